"""What else is tried than one kill of one run: the trials by name, and how often each in a whole campaign."""

from collections.abc import Callable, Mapping
from itertools import product
from pathlib import Path
from typing import Final

from tests.kill.case import Outcome
from tests.kill.hardship import DURABLE, crowded, durable, full, moved, readonly, torn
from tests.kill.trials import (
    STOPS,
    contend,
    decided,
    forgetful,
    often,
    starting,
    stopped,
    taken_up,
    together,
)

TRIALS: Final[Mapping[str, Callable[[str, Path], Outcome]]] = {
    "contend": contend,
    "crowded": crowded,
    "decided": decided,
    "durable": durable,
    "forgetful": forgetful,  # in no campaign: it shows that the harness sees
    "full": full,
    "moved": moved,
    "often": often,
    "readonly": readonly,
    "starting": starting,
    "stopped": stopped,
    "taken_up": taken_up,
    "together": together,
    "torn": torn,
}
"""By the first part of a case's name; the rest of it is the trial's own."""

ROUNDS: Final = 2000
"""Rounds of contention in a whole campaign."""
_PROMISES: Final = (
    "start_committed",
    "intent_committed",
    "request_written",
    "fact_committed",
    "verdict_committed",
    "end_committed",
)
_PAGES: Final = ("4", "8", "9")
"""Too few for a new journal, and then for what such a run writes to it, early and late."""
_SOME: Final = ("2", "8")
_FIXED: Final[tuple[tuple[tuple[str, ...], ...], ...]] = (
    (("stopped",), STOPS),
    (("together",), _SOME, _PROMISES),
    (("starting",), _SOME, ("none", *_PROMISES)),
    (("taken_up",), ("2", "3", "4", "8")),
    (
        ("decided",),
        ("done", "refused", "resend"),
        ("resolution.commit", "resolution.committed", "takeover.committed", "end.commit", "close.committed"),
    ),
    (("decided",), ("resend",), ("resend.committed", "resent.written", "resent.body_read")),
    (("durable",), tuple(DURABLE)),
    (("crowded",), ("marked", "natural_key", "claimed", "blind"), _PAGES),
    (("readonly",), _PROMISES),
    (("torn",), _PROMISES, ("8", "4000", "40000")),
    (("moved",), ("-1", "1"), ("calm", "lost_reply", "late", "lost_request"), _PROMISES[1:]),
)
_SEEDED: Final = {"full": 20, "often": 5, "contend": 1}
"""Trials by seed: one in so many rounds."""


def trials(rounds: int = ROUNDS) -> list[str]:
    """Return the names of all trials of a campaign."""
    fixed = ["/".join(parts) for spread in _FIXED for parts in product(*spread)]
    return fixed + [f"{name}/{seed}" for name, one_in in _SEEDED.items() for seed in range(rounds // one_in)]
