"""What a run's events say of each of its writes."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from mendflow.connectors.contract import JsonObject
from mendflow.journal.events import Event

from tests.simulation.names import Name, name_of_request


@dataclass(slots=True)
class Course:
    """What one run recorded of one step that writes."""

    name: Name
    intents: int = 0
    end: JsonObject = field(default_factory=dict)
    """The step's last end; empty for none."""

    @property
    def status(self) -> str:
        """How the step ended."""
        return str(self.end.get("status") or "")

    @property
    def is_behind(self) -> bool:
        """Whether it ended because the effect is in the hands of another run."""
        fault = self.end.get("fault")
        return isinstance(fault, dict) and fault.get("kind") == "slot_taken"


def courses_of(events: Iterable[Event]) -> dict[str, Course]:
    """Return the course of every write, by path."""
    found: dict[str, Course] = {}
    for event in events:
        path, _, rest = event.key.partition("#")
        if event.kind == "intent_written":
            found.setdefault(path, Course(name_of_request(event.body["request"]))).intents += 1
        elif event.kind == "fact_recorded" and ":slot:" in rest:
            asked = event.body["request"]
            request = asked["request"] if isinstance(asked, dict) else None
            found.setdefault(path, Course(name_of_request(request)))
        elif event.kind == "step_ended" and path in found:
            found[path].end = event.body
    return found


def endless(events: Iterable[Event]) -> set[str]:
    """Return the paths of calls that were begun and have no end."""
    begun: set[str] = set()
    ended: set[str] = set()
    for event in events:
        path, _, rest = event.key.partition("#")
        if event.kind == "step_ended":
            ended.add(path)
        elif rest:
            begun.add(path)
    return begun - ended
