"""The state of a run within LangGraph: plain JSON per step, merged by one reducer."""

from typing import Annotated, Literal

from pydantic import JsonValue, TypeAdapter
from typing_extensions import TypedDict  # pydantic needs this one before Python 3.12

from ...agents.model import ToolReading
from ...connectors.contract import Json, JsonObject, Reply, Tagged, ToolCall
from ...verifier.course import Course

FINISHED: frozenset[str] = frozenset({"done", "skipped", "failed", "parked"})

StepState = dict[str, JsonValue]
"""`status` (`running`, `reading`, `blocked`, or one of `FINISHED`), and as it applies `output`, `attempt`, `reason`,
`until` (ISO time), `job`, `node`, `reads`."""


def merge(old: dict[str, StepState], new: dict[str, StepState]) -> dict[str, StepState]:
    """Lay the newer states of steps over the older ones."""
    return {**old, **new}


class RunState(TypedDict):
    """What LangGraph carries between nodes."""

    steps: Annotated[dict[str, StepState], merge]


class CallJob(Tagged):
    """One call on its way between Distributor and Verifier, with all that happened to it so far."""

    kind: Literal["call"] = "call"
    step: str
    """Id of the entry in the state: a step's id, or `brief.read[0]` for a read that an agent asked for."""
    path: str
    call: ToolCall | None = None
    """Fixed by the Distributor at the first attempt, the same ever after."""
    slot: str = ""
    course: Course = Course()
    reply: Reply | None = None
    claim: JsonObject = {}
    """Who has the slot, when it is not ours."""

    @property
    def attempt(self) -> int:
        """Number of the present attempt."""
        return self.course.attempt

    @property
    def is_of_agent(self) -> bool:
        """Whether an agent asked for this call, rather than a step of the workflow."""
        return self.step.endswith("]")

    def going_on(self, course: Course) -> "CallJob":
        """Return the job of the next attempt."""
        return self.model_copy(update={"course": course, "reply": None, "claim": {}})


class AuthorJob(Tagged):
    """One round of an author: what it has read, and why its last draft came back."""

    kind: Literal["draft"] = "draft"
    step: str
    path: str
    attempt: int = 1
    readings: tuple[ToolReading, ...] = ()
    reasons: tuple[str, ...] = ()
    draft: Json = None
    sent_back: int = 0
    """How many times the Verifier's own rules sent the draft back."""
    review: str = ""
    """Id of the `verify` step that asked for this draft; empty for the first one."""
    asked_again: int = 0
    """How many times the model was asked again because it gave no usable reply."""
    output: Json = None
    """The finished draft on its way to the Verifier."""
    refusal: JsonObject = {}
    """Why the model gave none."""


class ReviewJob(Tagged):
    """A `verify` step at work."""

    kind: Literal["review"] = "review"
    step: str
    path: str
    attempt: int = 1


View = dict[str, StepState]
"""States of the steps that a job may refer to: its needs and theirs."""


class Parcel(TypedDict):
    """What travels in a `Send`: a job as plain JSON, and the states it may refer to."""

    job: JsonObject
    view: View


def parcel(job: CallJob | AuthorJob | ReviewJob, view: View) -> Parcel:
    """Return what travels in a `Send` for this job."""
    plain: JsonObject = job.model_dump(mode="json", exclude_defaults=True)
    return {"job": plain, "view": view}


def set_aside(sent: Parcel) -> JsonObject:
    """Return a parcel as part of a state."""
    return {"job": sent["job"], "view": {**sent["view"]}}


def as_parcel(value: JsonValue) -> Parcel:
    """Return a parcel that was set aside within a state."""
    if not isinstance(value, dict):
        raise TypeError("a blocked entry has a job")
    return _PARCEL.validate_python(value)


_PARCEL: TypeAdapter[Parcel] = TypeAdapter(Parcel)
