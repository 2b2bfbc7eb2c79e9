"""The rules that the explorer searches: the shipped ones. A naive twin puts another function in one place."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from mendflow.connectors.contract import Reply
from mendflow.journal.claims import SlotRequest, choose_slot
from mendflow.journal.ownership import admit_change, admit_version, admit_writer
from mendflow.journal.store import Held, SlotChoice
from mendflow.verifier.course import Course, Means, Turn
from mendflow.verifier.effect import Effect
from mendflow.verifier.verdict import Healing, Verdict


def _as_declared(means: Means) -> Means:
    return means


def _once_key(key: str, digest: str) -> str:
    """`graph.engine.distributor._slot`: the business key names the slot, whatever the arguments are."""
    del digest
    return f"gifts.create/shop/once/{key}"


def _owner_is_dead(*, alive: bool) -> bool:
    """`journal.home.Home.owning`: the kernel's lock is free exactly when no living process holds the run."""
    return not alive


@dataclass(frozen=True, slots=True)
class Rules:
    """One function for each question that the protocol answers."""

    judge: Callable[[Turn, Reply], Verdict] = Turn.judge
    after: Callable[[Turn, Reply, Healing], tuple[Course, datetime]] = Turn.after
    transition: Callable[[Turn, Reply, Verdict], Callable[[Effect], Effect] | None] = Turn.transition
    choose: Callable[[Held | None, SlotRequest], SlotChoice] = choose_slot
    admit_writer: Callable[[str, int, int | None], None] = admit_writer
    admit_change: Callable[[str, str, str | None], None] = admit_change
    admit_version: Callable[[str, tuple[str, int] | None, int], None] = admit_version
    means: Callable[[Means], Means] = _as_declared
    slot: Callable[[str, str], str] = _once_key
    may_take_over: Callable[..., bool] = _owner_is_dead
    crash: str = "crash"
    """What `graph.engine.run._close_open_intents` writes for a write without an outcome on record."""
    intent_is_awaited: bool = True
    """`journal.tape.RecordingTape.claim` awaits `Store.begin`, which returns when the intent is on disk."""


SHIPPED = Rules()
