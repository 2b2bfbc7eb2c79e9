"""The Plan: a workflow after checking, as data. The engine runs it, never the YAML."""

from typing import Annotated, Literal

from pydantic import Field, JsonValue

from ...agents.model import RoleName
from ...connectors.contract import ConnectionSettings, Frozen, JsonObject
from ...verifier.budget import EffectBudget
from ...verifier.rules import DraftRule


class Place(Frozen):
    """Where something stands in a file; lines and columns count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class Expression(Frozen):
    """A CEL expression and where it stands."""

    kind: Literal["cel"] = "cel"
    text: str
    place: Place


class Template(Frozen):
    """Text with `${{ }}` holes: literal parts (str) and expressions in turn; the result is text."""

    kind: Literal["template"] = "template"
    parts: tuple[str | Expression, ...]


class Literally(Frozen):
    """A value that stands as it is written."""

    kind: Literal["value"] = "value"
    value: JsonValue


class ListOf(Frozen):
    """A list with holes in it."""

    kind: Literal["list"] = "list"
    items: tuple["Value", ...]


class MapOf(Frozen):
    """A mapping with holes in it."""

    kind: Literal["map"] = "map"
    fields: dict[str, "Value"]


Value = Annotated[Expression | Template | Literally | ListOf | MapOf, Field(discriminator="kind")]
"""A field of the file: a field that is one whole `${{ }}` is an Expression and keeps its type."""


class StepFields(Frozen):
    """What every step has."""

    id: str
    needs: tuple[str, ...] = ()
    """Ids of steps of the same level that must be done first: written, implied by references, or from `from`."""
    when: Expression | None = None
    on_exhausted: Literal["fail", "park", "skip"] = "fail"
    place: Place
    places: dict[str, Place] = {}
    """Where each key of the step stands, e.g. `goal`, `with.email`."""


class CallStep(StepFields):
    """One tool call."""

    kind: Literal["call"] = "call"
    connection: str
    operation: str
    """Dotted name, whatever name the file uses."""
    arguments: dict[str, Value] = {}
    once: Expression | None = None
    expect: Expression | None = None
    may_repeat: bool = False
    """A person says that it does no harm to send the call again while an earlier attempt is unknown."""
    prepares: bool = False
    """True for the step that the compiler adds so that a connection's marker can be trusted."""


class AgentStep(StepFields):
    """A role thinks."""

    kind: Literal["agent"] = "agent"
    role: RoleName
    model: str
    """`offline`, or a provider string such as `openai:gpt-5.5`, resolved from `models`."""
    goal: Value
    given: dict[str, Value] = {}
    """`with:` values handed to the agent."""
    sources: tuple[str, ...] = ()
    """`from:` ids of steps whose outputs are the material."""
    select: dict[str, Expression] = {}
    """Named rules that pick the material; the rule stands in the workflow, not in the model."""
    tools: tuple[tuple[str, str], ...] = ()
    """Allowed reads as (connection, operation)."""
    voice: JsonObject = {}
    output_schema: JsonObject | None = None


class Rule(Frozen):
    """One rule of a `verify` step: a CEL `expect`, a declared `check`, or a model `judge` with a rubric."""

    id: str
    expect: Expression | None = None
    check: DraftRule | None = None
    judge: str = ""
    rubric: str = ""


class VerifyStep(StepFields):
    """Judges the draft of another step."""

    kind: Literal["verify"] = "verify"
    subject: str
    """Id of the step whose output is judged; `draft` in the rules."""
    rules: tuple[Rule, ...]
    back_to: str = ""
    """Id of the author to hand back to; empty: a rejection fails the step."""
    most: int = 2
    """How many times it may be handed back."""


class ApproveStep(StepFields):
    """A person decides."""

    kind: Literal["approve"] = "approve"
    prompt: Value
    shows: tuple[str, ...] = ()
    """Ids of steps whose outputs the person sees."""


class MapStep(StepFields):
    """The same steps for each item of a list."""

    kind: Literal["map"] = "map"
    over: Expression
    name: str = "item"
    """`as:` name under which expressions inside see the item; `index` is its position from 0."""
    parallel: int = 4
    steps: tuple["Step", ...]
    outputs: dict[str, Value] = {}
    """What each item's output holds; empty: the outputs of its steps by id."""
    on_item_failure: Literal["fail", "continue"] = "continue"
    first: int | None = None
    """Only so many of the first items are done; None: all. No file says it: a drill keeps its runs short with it."""


Step = Annotated[CallStep | AgentStep | VerifyStep | ApproveStep | MapStep, Field(discriminator="kind")]


class InputSpec(Frozen):
    """One input of the workflow."""

    name: str
    rule: JsonObject
    """JSON Schema of the value."""
    default: JsonValue = None
    required: bool = True
    place: Place


class OnPark(Frozen):
    """Who is told when a run ends parked. Exactly one of the two is set."""

    command: tuple[str, ...] = ()
    """Program and arguments, handed over as they are: no shell reads them."""
    webhook: str = ""
    """Address to which the news is posted."""


class Expected(Frozen):
    """What a case of `tests` expects of its run; what is None is not looked at."""

    status: Literal["completed", "failed", "parked", "waiting"] | None = None
    outputs: JsonObject | None = None
    """The outputs that are named, with their values; others may be there."""
    effects: dict[str, int] | None = None
    """Operation to how many effects the vendor has of it; of operations that are not named nothing is said."""
    heals: dict[str, int] | None = None
    """Heals by fault kind; all of them."""
    parked: tuple[str, ...] | None = None
    """Paths of all steps that are parked; without the places of items they stand for every item."""
    failed: tuple[str, ...] | None = None
    holds: tuple[Expression, ...] = ()
    """Conditions over `status`, `outputs`, `effects`, `heals`, `parked`, `failed` and the inputs."""


class Case(Frozen):
    """One case of `tests`."""

    name: str
    inputs: JsonObject = {}
    faults: tuple[str, ...] = ()
    """Armed before the run, as `run --fault` takes them."""
    expected: Expected
    place: Place


class Plan(Frozen):
    """A checked workflow."""

    name: str
    version: str
    inputs: dict[str, InputSpec] = {}
    connections: dict[str, ConnectionSettings] = {}
    models: dict[str, str] = {}
    steps: tuple[Step, ...]
    outputs: dict[str, Value] = {}
    budgets: EffectBudget = EffectBudget()
    on_park: OnPark | None = None
    tests: tuple[Case, ...] = ()
    """What `mendflow test` runs; a run takes no notice of it."""
    files: dict[str, str] = {}
    """Every file that was read to make the plan: path as written to its text. The workflow itself comes first."""


def walk(steps: tuple[Step, ...]) -> "list[Step]":
    """Return all steps, those inside maps included, in the order of the file."""
    found: list[Step] = []
    for step in steps:
        found.append(step)
        if isinstance(step, MapStep):
            found.extend(walk(step.steps))
    return found


def shortened(steps: tuple[Step, ...], first: int) -> tuple[Step, ...]:
    """Return the steps with each map bound to its first items."""
    return tuple(
        step.model_copy(update={"first": first, "steps": shortened(step.steps, first)})
        if isinstance(step, MapStep)
        else step
        for step in steps
    )
