"""Names looked up: which step needs which, whether that can end, and whether each expression makes sense."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter

from .diagnostics import Report, suggestion
from .expressions import FUNCTIONS, LONGEST, Kind, check
from .holes import Use
from .plan import AgentStep, Expression, InputSpec, MapStep, Place, Step, VerifyStep
from .reader import shorten
from .steps import Level, Mention, Part, StepShape
from .tokens import Reference, references

STEP_FIELDS = ("output", "status", "attempt", "verdict")
"""What an expression may ask of a step."""

_WORDS: dict[Kind, str] = {
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
    "string": "a text",
    "array": "a list",
    "object": "a mapping",
    "null": "nothing",
}


@dataclass(frozen=True, slots=True)
class Sight:
    """What the expressions of a level see."""

    inputs: Mapping[str, InputSpec]
    outer: frozenset[str] = frozenset()
    """Ids of the levels above."""
    names: Mapping[str, Kind] = field(default_factory=dict)
    """Items of the maps around, and `index`."""
    hidden: Mapping[str, str] = field(default_factory=dict)
    """Ids of steps inside maps, which are not seen, with the map they stand in."""


@dataclass(slots=True)
class Meaning:
    """Looks up names, level by level."""

    report: Report
    inputs: Mapping[str, InputSpec]
    models: Mapping[str, str]
    kinds: dict[Expression, Kind] = field(default_factory=dict)
    """Types of the results of expressions, as far as they are known."""

    def level(self, level: Level, sight: Sight) -> tuple[tuple[Step, ...], dict[str, Place]]:
        """Return the steps with their needs, and which outer steps the level needs, with a place for each."""
        seen = Sight(sight.inputs, sight.outer, sight.names, {**sight.hidden, **_hidden(level)})
        resolved: dict[str, Step] = {}
        outer: dict[str, Place] = {}
        for shape in level.steps:
            needs = self._needs(shape, level, seen)
            step = shape.step
            if isinstance(step, MapStep):
                step, inner_needs = self._map(step, shape, level, seen)
                needs.update({name: place for name, place in inner_needs.items() if name not in needs})
            outer.update({name: place for name, place in needs.items() if name not in level.ids})
            own = tuple(name for name in needs if name in level.ids)
            resolved[step.id] = self._named(step, shape.spots).model_copy(update={"needs": own})
        self._clashes(level, sight)
        self._cycles(resolved)
        for shape in level.steps:
            self._parts(shape, resolved, sight.outer)
        return tuple(resolved.values()), outer

    def uses(self, uses: Iterable[Use], ids: frozenset[str], sight: Sight) -> dict[str, Place]:
        """Check expressions and return the steps that they refer to, each with its first place."""
        found: dict[str, Place] = {}
        for use in uses:
            known = self._references(use, ids, sight, found)
            variables: dict[str, Kind] = {**sight.names, **dict.fromkeys(use.names, ""), **known}
            self._check(use, variables)
        return found

    def outputs(self, uses: Iterable[Use], level: Level, sight: Sight) -> None:
        """Check the workflow's outputs, which see the steps of the top level."""
        hidden = {**sight.hidden, **_hidden(level)}
        self.uses(uses, frozenset(level.ids), Sight(sight.inputs, sight.outer, sight.names, hidden))

    def _needs(self, shape: StepShape, level: Level, sight: Sight) -> dict[str, Place]:
        found: dict[str, Place] = {}
        visible = frozenset(level.ids) | sight.outer
        for mention in shape.mentions:
            if mention.name in visible:
                found.setdefault(mention.name, mention.place)
            else:
                self._unknown_step(mention.name, mention.place, visible, sight)
        for name, place in self.uses(shape.uses, visible, sight).items():
            found.setdefault(name, place)
        return found

    def _map(
        self, step: MapStep, shape: StepShape, level: Level, sight: Sight
    ) -> tuple[MapStep, dict[str, Place]]:
        if shape.inner is None:
            return step, {}
        if step.name in sight.names:
            message = f"`as`: `{step.name}` is the item of the map around"
            self.report.add("MF1310", step.places.get("as", step.place), message, "Choose another name.")
        inner = Sight(
            sight.inputs,
            frozenset(level.ids) | sight.outer,
            {**sight.names, step.name: "", "index": "integer"},
            sight.hidden,
        )
        steps, needs = self.level(shape.inner, inner)
        own = frozenset(shape.inner.ids)
        used = self.uses(shape.inner_uses, own | inner.outer, inner)
        needs = {**needs, **{name: place for name, place in used.items() if name not in own}}
        return step.model_copy(update={"steps": steps}), needs

    def _references(
        self, use: Use, ids: frozenset[str], sight: Sight, found: dict[str, Place]
    ) -> dict[str, Kind]:
        """Look up inputs and steps; return variables for them, for unknown ones too, to keep CEL quiet."""
        known: dict[str, Kind] = {}
        if len(use.expression.text) > LONGEST:
            return known
        for reference in references(use.expression.text):
            root = reference.path[0]
            if root not in {"inputs", "steps"} or not reference.path[1:]:
                continue
            name = reference.path[1]
            place = use.scalar.at(use.start + reference.starts[1])
            if root == "inputs":
                known[f"inputs.{name}"] = self._input(name, place, sight)
                continue
            known[f"steps.{name}"] = ""
            if name in ids:
                found.setdefault(name, place)
                self._field_of_step(use, reference)
            else:
                self._unknown_step(name, place, ids, sight)
        return known

    def _input(self, name: str, place: Place, sight: Sight) -> Kind:
        spec = sight.inputs.get(name)
        if spec is None:
            self.report.add("MF1303", place, f"unknown input `{name}`{suggestion(name, sight.inputs)}")
            return ""
        kind = spec.rule.get("type")
        may_be_empty = not spec.required and spec.default is None
        return kind if isinstance(kind, str) and not may_be_empty else ""

    def _field_of_step(self, use: Use, reference: Reference) -> None:
        _, step, *fields = reference.path
        if not fields or fields[0] in STEP_FIELDS:
            return
        name = fields[0]
        place = use.scalar.at(use.start + reference.starts[2])
        known = ", ".join(f"`{known}`" for known in STEP_FIELDS)
        message = f"a step has no `{name}`, expected one of {known}"
        self.report.add(
            "MF1202", place, message, f"What step `{step}` gave stands under `steps.{step}.output`."
        )

    def _unknown_step(self, name: str, place: Place, ids: frozenset[str], sight: Sight) -> None:
        if name in sight.hidden:
            around = sight.hidden[name]
            message = f"step `{name}` stands inside the map `{around}` and is not seen from here"
            self.report.add(
                "MF1307", place, message, f"Refer to `steps.{around}.output`, the list of its outputs."
            )
        else:
            self.report.add("MF1301", place, f"unknown step `{shorten(name)}`{suggestion(name, ids)}")

    def _check(self, use: Use, variables: Mapping[str, Kind]) -> None:
        result = check(use.expression.text, variables)
        for flaw in result.flaws:
            place = use.scalar.at(use.start + flaw.offset)
            message, advice = flaw.message, flaw.advice
            if flaw.code == "MF1202":
                message, advice = self._unknown_name(message, variables)
            elif flaw.code == "MF1208":
                message = f"unknown function `{message}`{suggestion(message, FUNCTIONS)}"
            self.report.add(flaw.code, place, message, advice)
        if result.flaws:
            return
        self.kinds[use.expression] = result.kind
        if use.wants and result.kind and result.kind not in use.wants:
            wanted = " or ".join(_WORDS[kind] for kind in use.wants)
            message = f"`{use.field}`: the expression gives {_WORDS[result.kind]}, expected {wanted}"
            self.report.add("MF1207", use.expression.place, message)

    def _unknown_name(self, name: str, variables: Mapping[str, Kind]) -> tuple[str, str]:
        if name in {"inputs", "steps"}:
            kind = name.removesuffix("s")
            return f"`{name}` is followed by no name", f"Write `{name}.NAME`, one {kind} at a time."
        roots = {variable.partition(".")[0] for variable in variables} | {"inputs", "steps"}
        return f"unknown name `{shorten(name)}`{suggestion(name, roots)}", ""

    def _clashes(self, level: Level, sight: Sight) -> None:
        for name, place in level.ids.items():
            if name in sight.outer:
                message = f"step `{name}` has the name of a step around the map"
                self.report.add("MF1310", place, message, "Choose another name.")

    def _cycles(self, steps: Mapping[str, Step]) -> None:
        order = list(steps)
        left = {name: {need for need in step.needs if need in steps} for name, step in steps.items()}
        while True:
            try:
                TopologicalSorter(left).prepare()
            except CycleError as error:
                cycle = list(reversed(error.args[1][1:]))
            else:
                return
            first = min(range(len(cycle)), key=lambda i: order.index(cycle[i]))
            cycle = cycle[first:] + cycle[:first]
            path = " → ".join(f"`{name}`" for name in [*cycle, cycle[0]])
            message = f"these steps wait for each other: {path}"
            if len(cycle) == 1:
                message = f"step `{cycle[0]}` waits for itself"
            self.report.add("MF1302", steps[cycle[0]].place, message, "An arrow reads: needs.")
            left = {name: needs - set(cycle) for name, needs in left.items() if name not in cycle}

    def _parts(self, shape: StepShape, steps: Mapping[str, Step], outer: frozenset[str]) -> None:
        """Check that steps named for a part of their own can play it."""
        for mention in shape.mentions:
            if mention.part not in {"verify", "back_to"}:
                continue
            step = steps.get(mention.name)
            if step is None and mention.name in outer:
                message = f"step `{mention.name}` stands outside the map, expected a step beside this one"
                self.report.add("MF1308", mention.place, message, _PART_ADVICE[mention.part])
            elif step is not None and not isinstance(step, AgentStep):
                message = (
                    f"step `{mention.name}` is a `{step.kind}` step, expected an `agent` step of this level"
                )
                self.report.add("MF1308", mention.place, message, _PART_ADVICE[mention.part])
            elif isinstance(shape.step, VerifyStep) and mention.part == "back_to":
                self._hand_back(mention, shape.step.subject, steps)

    def _hand_back(self, mention: Mention, subject: str, steps: Mapping[str, Step]) -> None:
        if subject not in steps or mention.name not in steps:
            return
        if mention.name not in {subject, *ancestors(subject, steps)}:
            message = (
                f"step `{mention.name}` has no part in `{subject}`; handing back to it would change nothing"
            )
            self.report.add(
                "MF1308", mention.place, message, f"Hand back to `{subject}` or to a step it needs."
            )

    def _named(self, step: Step, spots: Mapping[str, Place]) -> Step:
        """Return the step with its models looked up."""
        if isinstance(step, AgentStep):
            place = spots.get("model", step.place)
            return step.model_copy(update={"model": self._model(step.model, place)})
        if isinstance(step, VerifyStep):
            rules = []
            for rule in step.rules:
                place = spots.get(f"rules.{rule.id}.judge", step.place)
                judge = self._model(rule.judge, place) if rule.judge else ""
                rules.append(rule.model_copy(update={"judge": judge}))
            return step.model_copy(update={"rules": tuple(rules)})
        return step

    def _model(self, name: str, place: Place) -> str:
        if not name:
            return self.models.get("default", "offline")
        if name in self.models:
            return self.models[name]
        if name == "offline" or (":" in name and all(name.partition(":"))):
            return name
        advice = "Add it under `models`, or write `provider:model` or `offline`."
        known = suggestion(name, [*self.models, "offline"])
        self.report.add("MF1305", place, f"unknown model `{shorten(name)}`{known}", advice)
        return "offline"


_PART_ADVICE: dict[Part, str] = {
    "verify": "A `verify` step judges drafts; a call is checked by its `expect`.",
    "back_to": "Only an agent can do its work again.",
}


def ancestors(name: str, steps: Mapping[str, Step]) -> set[str]:
    """Return all steps of the level that must be done before this one."""
    found: set[str] = set()
    left = list(steps[name].needs) if name in steps else []
    while left:
        need = left.pop()
        if need in steps and need not in found:
            found.add(need)
            left.extend(steps[need].needs)
    return found


def _hidden(level: Level) -> dict[str, str]:
    found: dict[str, str] = {}
    for shape in level.steps:
        if shape.inner:
            found.update(dict.fromkeys(shape.inner.ids, shape.step.id))
            found.update(_hidden(shape.inner))
    return found
