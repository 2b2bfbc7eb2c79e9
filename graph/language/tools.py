"""Tools looked up in the catalogue: arguments against contracts, and writes that could happen twice."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from pydantic import JsonValue

from ...connectors.contract import ConnectionSettings, EffectClass, JsonObject, ToolSpec
from ...connectors.errors import MendflowError
from ...verifier.budget import EffectBudget
from ...verifier.shape import kinds_of, properties_of
from .diagnostics import Report, suggestion
from .expressions import Kind
from .meaning import ancestors
from .plan import (
    AgentStep,
    ApproveStep,
    CallStep,
    Expression,
    ListOf,
    Literally,
    MapOf,
    MapStep,
    Place,
    Step,
    Template,
)
from .plan import Value as FieldValue
from .reader import Broken, Node, Sequence, shorten
from .reader import Mapping as MappingNode
from .schemas import complaints
from .shape import Connection
from .steps import Level, StepShape

Catalogue = Callable[[ConnectionSettings], Mapping[str, ToolSpec]]
"""Gives the tools of a connection by their dotted names; raises a MendflowError for an unknown connector."""

_UNPROVABLE: dict[EffectClass, str] = {
    "blind": "nothing tells afterwards whether it happened",
    "asynchronous": "it is done later and there is no job to ask",
    "readable_state": "a reading cannot tell this write from another's",
}
_NOT_REPEATED: dict[EffectClass, str] = {
    "read": "is useless: a read is repeated anyway",
    "secret_read": "is useless: a read is repeated anyway",
    "natural_key": "is useless: the same call again is the same effect, and is made again anyway",
    "idempotent": "is useless: the same call again is the same effect, and is made again anyway",
    "marked": "is dangerous: its marker tells whether it happened, and a repetition would be a second effect",
}


@dataclass(frozen=True, slots=True)
class Preparation:
    """What must have been done once on a connection before a call's marker can be trusted."""

    connection: str
    operation: str
    arguments: tuple[tuple[str, JsonValue], ...]


@dataclass(frozen=True, slots=True)
class Write:
    """A call that changes something, with its contract."""

    step: CallStep
    spec: ToolSpec
    place: Place
    """Where its arguments stand."""


@dataclass(slots=True)
class Tools:
    """Looks up tools and checks what is handed to them."""

    connections: Mapping[str, Connection]
    catalogue: Catalogue
    kinds: Mapping[Expression, Kind]
    report: Report
    _known: dict[str, Mapping[str, ToolSpec] | None] = field(default_factory=dict)
    _writes: list[Write] = field(default_factory=list)
    _is_whole: bool = True
    """Whether every step could be read, and every tool was found."""

    def level(
        self, level: Level, steps: tuple[Step, ...], *, approved: bool
    ) -> tuple[tuple[Step, ...], dict[str, list[Preparation]]]:
        """Return the steps with their tools looked up, and by step what must be prepared for it.

        `approved` says that a person has approved before the level begins.
        """
        by_id = {step.id: step for step in steps}
        self._is_whole &= set(by_id) == set(level.ids)
        resolved: list[Step] = []
        marked: dict[str, list[Preparation]] = {}
        for shape in level.steps:
            step = by_id[shape.step.id]
            before = ancestors(step.id, by_id)
            asked = approved or any(isinstance(by_id[name], ApproveStep) for name in before)
            if isinstance(step, CallStep):
                step, spec = self._call(step, shape, asked=asked)
                if spec and spec.marker and spec.prepare:
                    marked[step.id] = [
                        Preparation(step.connection, spec.prepare, tuple(spec.prepare_with.items()))
                    ]
            elif isinstance(step, AgentStep):
                step = step.model_copy(update={"tools": self._reads(shape)})
            elif isinstance(step, MapStep) and shape.inner:
                inner, deeper = self.level(shape.inner, step.steps, approved=asked)
                step = step.model_copy(update={"steps": inner})
                marked[step.id] = [wanted for several in deeper.values() for wanted in several]
            resolved.append(step)
        return tuple(resolved), marked

    def _call(self, step: CallStep, shape: StepShape, *, asked: bool) -> tuple[CallStep, ToolSpec | None]:
        place = step.places.get("call", step.place)
        spec = self._find(step.connection, step.operation, shape.spots.get("call", place))
        if spec is None:
            self._is_whole = False
            return step, None
        self._arguments(step, spec, shape, place)
        self._repetition(step, spec, place, asked=asked)
        if not spec.is_read:
            self._writes.append(Write(step, spec, step.places.get("with", place)))
        return step.model_copy(update={"operation": spec.operation}), spec

    def _repetition(self, step: CallStep, spec: ToolSpec, place: Place, *, asked: bool) -> None:
        unprovable = _UNPROVABLE.get(spec.effect)
        if unprovable and not (step.once or step.may_repeat or asked):
            message = (
                f"`{step.operation}` could happen twice after a lost answer, because {unprovable} "
                f"(effect `{spec.effect}`); expected a key or an approval"
            )
            advice = (
                "Add `once: <expression>` with a business key, an `approve` step among its `needs`, "
                "or `may_repeat: true` if a repetition does no harm."
            )
            self.report.add("MF1406", place, message, advice)
        if step.may_repeat and unprovable is None:
            message = f"`may_repeat` on `{step.operation}` {_NOT_REPEATED[spec.effect]}"
            advice = f"Remove it; the effect class of the tool is `{spec.effect}`."
            self.report.add("MF1407", step.places.get("may_repeat", place), message, advice)

    def bounds(self, budget: EffectBudget, places: Mapping[str, Place]) -> None:
        """Check that each bound has something to count; to be asked when all levels are looked up."""
        known = any(write.spec.recipient for write in self._writes)
        if budget.per_recipient is not None and not known and self._is_whole:
            message = "`per_recipient`: no write of the workflow has a tool that names its recipient"
            self.report.add("MF1408", places["per_recipient"], message, "Bound them by `count` or `sum`.")
        for name in budget.sums:
            self._sum(name, places[f"sum.{name}"])

    def _sum(self, name: str, place: Place) -> None:
        parameters = [(write, properties_of(write.spec.parameters)) for write in self._writes]
        having = [
            (write, rules.get(name, {}))
            for write, rules in parameters
            if name in rules or name in write.step.arguments
        ]
        if not having and self._is_whole:
            numbers = {one for _, rules in parameters for one, rule in rules.items() if _may_be_number(rule)}
            message = f"`sum`: no write of the workflow has an argument `{shorten(name)}`"
            self.report.add("MF1408", place, message + suggestion(name, numbers))
        for write, rule in having:
            tool = write.step.operation
            if not _may_be_number(rule):
                message = f"`sum`: the argument `{name}` of `{tool}` is no number"
                self.report.add("MF1408", place, message, "Name an argument that is a number.")
            elif name not in write.step.arguments:
                message = f"`{tool}` leaves `{name}` out, which `budgets.effects.sum` has to add up"
                self.report.add("MF1408", write.place, message, "Give it, or drop the bound.")

    def _find(self, connection: str, tool: str, place: Place) -> ToolSpec | None:
        if not connection or not tool:
            if connection:
                message = f"found `{shorten(connection)}`, expected a tool as `CONNECTION.TOOL`"
                self.report.add("MF1401", place, message)
            return None
        if connection not in self.connections:
            message = f"unknown connection `{shorten(connection)}`{suggestion(connection, self.connections)}"
            self.report.add("MF1304", place, message, "Connections stand under `connections`.")
            return None
        known = self._tools_of(connection)
        if known is None:
            return None
        for spec in known.values():
            if tool == spec.operation or tool in spec.names:
                return spec
        names = [name for spec in known.values() for name in (spec.operation, *spec.names)]
        message = f"unknown tool `{shorten(tool)}` of connection `{connection}`{suggestion(tool, names)}"
        self.report.add("MF1401", place, message)
        return None

    def _tools_of(self, name: str) -> Mapping[str, ToolSpec] | None:
        if name not in self._known:
            self._known[name] = self._ask(self.connections[name])
        return self._known[name]

    def _ask(self, connection: Connection) -> Mapping[str, ToolSpec] | None:
        if not connection.settings.connector:
            return None
        try:
            return self.catalogue(connection.settings)
        except MendflowError as error:
            self.report.add("MF1309", connection.connector_place, error.message, error.help)
            return None

    def ask_all(self) -> None:
        """Look at every connection, so that those without calls are checked too."""
        for name in self.connections:
            self._tools_of(name)

    def _reads(self, shape: StepShape) -> tuple[tuple[str, str], ...]:
        found: list[tuple[str, str]] = []
        for text, place in shape.tools:
            connection, _, tool = text.partition(".")
            spec = self._find(connection, tool, place)
            if spec is None:
                continue
            if spec.effect != "read":
                message = f"`{shorten(tool)}` is not a read (effect `{spec.effect}`); an agent may only read"
                self.report.add("MF1405", place, message, "Make it a `call` step.")
                continue
            found.append((connection, spec.operation))
        return tuple(dict.fromkeys(found))

    def _arguments(self, step: CallStep, spec: ToolSpec, shape: StepShape, place: Place) -> None:
        known = _object(spec.parameters.get("properties"))
        given = step.arguments
        nodes = {entry.key: entry for entry in shape.arguments.entries} if shape.arguments else {}
        for name, value in given.items():
            if name == spec.marker:
                message = f"the argument `{name}` carries the mark that proves the write; mendflow sets it"
                self.report.add("MF1402", nodes[name].place, message, "Remove it.")
            elif name in known:
                self._value(name, value, _object(known[name]), nodes[name].value)
            elif not spec.parameters.get("additionalProperties"):
                message = f"unknown argument `{shorten(name)}` of `{step.operation}`{suggestion(name, known)}"
                self.report.add("MF1402", nodes[name].place, message)
        where = step.places.get("with", place)
        for name in _texts(spec.parameters.get("required")):
            if name not in given and name != spec.marker:
                self.report.add("MF1403", where, f"`{step.operation}` misses its argument `{name}`")
        for choices in _choices(spec.parameters):
            if not any(group <= set(given) for group in choices):
                words = " or ".join(" with ".join(f"`{name}`" for name in sorted(group)) for group in choices)
                self.report.add("MF1403", where, f"`{step.operation}` misses an argument: {words}")

    def _value(self, name: str, value: FieldValue, schema: JsonObject, node: Node) -> None:
        """Check a value as far as it is known before a run."""
        if isinstance(node, Broken):
            return
        match value:
            case Literally():
                for complaint in complaints(value.value, schema):
                    inner = ".".join([name, *map(str, complaint.path)])
                    place = _inside(node, complaint.path).place
                    self.report.add("MF1404", place, f"argument `{inner}`: {complaint.message}")
            case Expression():
                self._kind(name, self.kinds.get(value, ""), schema, node.place)
            case Template():
                self._kind(name, "string", schema, node.place)
            case ListOf():
                self._kind(name, "array", schema, node.place)
            case MapOf():
                self._kind(name, "object", schema, node.place)
        for key, part, rule, inside in _parts(value, schema, node):
            self._value(f"{name}.{key}", part, rule, inside)

    def _kind(self, name: str, kind: Kind, schema: JsonObject, place: Place) -> None:
        declared = schema.get("type")
        wanted = [declared] if isinstance(declared, str) else _texts(declared)
        if not kind or not wanted or kind in wanted or (kind == "integer" and "number" in wanted):
            return
        words = " or ".join(wanted)
        self.report.add("MF1404", place, f"argument `{name}`: found a value of type {kind}, expected {words}")


def _parts(
    value: FieldValue, schema: JsonObject, node: Node
) -> Iterator[tuple[str, FieldValue, JsonObject, Node]]:
    """Yield the parts of a value with holes: key, part, its contract, and where it stands."""
    if isinstance(value, ListOf) and isinstance(node, Sequence):
        rule = _object(schema.get("items"))
        for index, inside in enumerate(node.items):
            yield str(index), value.items[index], rule, inside
    elif isinstance(value, MapOf) and isinstance(node, MappingNode):
        rules = _object(schema.get("properties"))
        for entry in node.entries:
            yield entry.key, value.fields[entry.key], _object(rules.get(entry.key)), entry.value


def _may_be_number(schema: JsonObject) -> bool:
    kinds = kinds_of(schema)
    return not kinds or not {"integer", "number"}.isdisjoint(kinds)


def _object(value: JsonValue) -> JsonObject:
    return value if isinstance(value, dict) else {}


def _texts(value: JsonValue) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def _choices(schema: JsonObject) -> list[list[frozenset[str]]]:
    """Return the groups of arguments of which one must be given, where a contract says only that."""
    found: list[list[frozenset[str]]] = []
    for key in ("anyOf", "oneOf"):
        branches = schema.get(key)
        if isinstance(branches, list) and all(
            isinstance(b, dict) and set(b) == {"required"} for b in branches
        ):
            found.append([frozenset(_texts(_object(branch)["required"])) for branch in branches])
    return found


def _inside(node: Node, path: tuple[str | int, ...]) -> Node:
    """Return the part of a value that a path leads to, or the nearest part around it."""
    for step in path:
        deeper: Node | None = None
        if isinstance(node, Sequence) and isinstance(step, int) and step < len(node.items):
            deeper = node.items[step]
        elif isinstance(node, MappingNode):
            deeper = next((entry.value for entry in node.entries if entry.key == step), None)
        if deeper is None:
            return node
        node = deeper
    return node
