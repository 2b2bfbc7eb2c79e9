"""What the vendor does: faults for the write, and some for the reading that settles it."""

from collections.abc import Iterable
from dataclasses import dataclass

from tests.kill.effects import EffectCase
from tests.kill.points import Point
from tests.kill.signals import confirming


@dataclass(frozen=True, slots=True)
class Behaviour:
    """One way in which the vendor behaves."""

    name: str
    write: tuple[str, ...] = ()
    """Faults for the write, without its operation; `{retyped}` is a field of its answer."""
    reading: tuple[str, ...] = ()
    """Faults for the confirming read."""
    may_fail: bool = False
    """Whether the vendor refuses the write, so that a failed run is the right end."""
    tells: bool = False
    """Whether the answer to the write says what became of it, so that a parked end is a defect."""

    def fits(self, effect: EffectCase) -> bool:
        """Whether this class has what the faults are for."""
        return not self.reading or bool(confirming(effect.operation))

    def may_park(self, effect: EffectCase, points: Iterable[Point | None] = ()) -> bool:
        """Whether a person may be needed: nothing tells the outcome, neither the answer nor a reading.

        `points` are where the processes are killed.
        """
        tells = self.tells or (self is RETYPED and not effect.needs_retyped)
        blinded = any(point is not None and point.blinds for point in points)
        return not effect.settles and (blinded or not tells)

    def faults(self, effect: EffectCase) -> list[str]:
        """Return the faults as the sandbox takes them."""
        places = [(fault, effect.operation) for fault in self.write]
        places += [(fault, confirming(effect.operation)) for fault in self.reading]
        return [_placed(fault.format(retyped=effect.retyped), operation) for fault, operation in places]


def _placed(fault: str, operation: str) -> str:
    kind, colon, count = fault.partition(":")
    return f"{kind}@{operation}{colon}{count}"


RETYPED = Behaviour("drift_retype", ("drift_retype={retyped}",))
BEHAVIOURS = (
    Behaviour("calm", tells=True),
    Behaviour("rate_limit", ("rate_limit=none:2",), tells=True),
    Behaviour("unauthorized", ("unauthorized",), tells=True),
    Behaviour("refused", ("refused",), may_fail=True, tells=True),
    Behaviour("drift_rename", ("drift_rename",), tells=True),
    Behaviour("drift_wrap", ("drift_wrap",)),
    RETYPED,
    Behaviour("lost_request", ("lost_request",)),
    Behaviour("lost_requests", ("lost_request:3",)),
    Behaviour("lost_reply", ("lost_reply",)),
    Behaviour("lost_reply_lagging", ("lost_reply=0.1",)),
    Behaviour("late", ("late",)),
    Behaviour("lag", ("lag",), tells=True),
    Behaviour("slow", ("slow=2.5",)),
    Behaviour("server_error", ("server_error",)),
    Behaviour("server_error_after", ("server_error=after",)),
    Behaviour("bad_gateway", ("bad_gateway",)),
    Behaviour("bad_gateway_after", ("bad_gateway=after",)),
    Behaviour("creating", ("creating",)),
    Behaviour("creating_after", ("creating=after",)),
    Behaviour("garbled", ("garbled",)),
    Behaviour("truncated", ("truncated",)),
    Behaviour("empty", ("empty",)),
    Behaviour("duplicate_key", ("duplicate_key",)),
    Behaviour("lost_then_refused", ("lost_reply", "refused")),
    Behaviour("lost_then_limited", ("lost_request", "rate_limit=none")),
    Behaviour("lost_then_read_lost", ("lost_reply",), ("lost_reply:2",)),
    Behaviour("lost_then_read_failing", ("lost_request",), ("server_error:2",)),
    Behaviour("lost_then_read_limited", ("lost_reply",), ("rate_limit=none",)),
    Behaviour("lost_then_read_drifted", ("lost_reply",), ("drift_rename",)),
    Behaviour("lost_then_read_wrapped", ("lost_request",), ("drift_wrap",)),
    Behaviour("lost_then_read_slow", ("lost_reply",), ("slow=2.5",)),
    Behaviour("lost_then_read_truncated", ("lost_request",), ("truncated",)),
    Behaviour("lost_then_key_rotated", ("lost_reply",), ("unauthorized",)),
)
BY_NAME = {behaviour.name: behaviour for behaviour in BEHAVIOURS}
