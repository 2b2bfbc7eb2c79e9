"""The cases under `tests`: what `mendflow test` runs, checked against the workflow around them."""

import re
from collections.abc import Iterator
from collections.abc import Mapping as Table
from typing import get_args

from pydantic import JsonValue

from ...connectors.contract import JsonObject
from ...connectors.errors import InvalidUse
from ...connectors.sandbox.faults import parse_fault
from ...verifier.verdict import FaultKind
from .diagnostics import Report, suggestion
from .fields import Fields, as_mapping, check_name
from .holes import Uses, has_hole
from .meaning import Meaning, Sight
from .plan import CallStep, Case, Expected, Expression, InputSpec, MapStep, Step, walk
from .reader import Broken, Mapping, Node, Sequence, describe, plain, shorten
from .schemas import complaints

NAMES = ("status", "outputs", "effects", "heals", "parked", "failed")
"""What a condition under `holds` sees, beside the inputs."""
STATUSES = ("completed", "failed", "parked", "waiting")
_INDEX = re.compile(r"\[\d+\]")
_MOST = 1_000_000
_FIXED = "A case is fixed text; write the value itself."


class Cases:
    """Reads cases; what they name must be there."""

    def __init__(
        self, report: Report, meaning: Meaning, inputs: Table[str, InputSpec], steps: tuple[Step, ...]
    ) -> None:
        self._report = report
        self._meaning = meaning
        self._inputs = inputs
        self._paths = {*_paths(steps)}
        self._operations = {step.operation for step in walk(steps) if isinstance(step, CallStep)}

    def read(self, node: Node | None) -> tuple[Case, ...]:
        """Return the cases; mistakes are noted."""
        if node is None or isinstance(node, Broken):
            return ()
        if not isinstance(node, Sequence):
            message = f"`tests`: found {describe(node)}, expected a list of cases"
            self._report.add("MF1103", node.place, message, "Begin each with `- name: …`.")
            return ()
        found: dict[str, Case] = {}
        for item in node.items:
            body = as_mapping(item, "a case of `tests`", self._report)
            case = self._case(body) if body else None
            if case is None:
                continue
            if case.name in found:
                self._report.add("MF1310", case.place, f"the case `{case.name}` is given twice in `tests`")
            found[case.name] = case
        return tuple(found.values())

    def _case(self, node: Mapping) -> Case | None:
        fields = Fields(node, "a case of `tests`", self._report)
        name = fields.text("name", required=True)
        if name:
            check_name(name, fields.place_of_value("name"), "a case", self._report, label=True)
            fields.what = f"the case `{shorten(name)}`"
        inputs = self._given(fields, fields.mapping("inputs"))
        faults = tuple(self._faults(fields))
        expected = fields.mapping("expect", required=True)
        fields.close()
        if not name or expected is None:
            return None
        return Case(
            name=name, inputs=inputs, faults=faults, expected=self._expected(expected), place=node.place
        )

    def _given(self, fields: Fields, node: Mapping | None) -> JsonObject:
        """Return the inputs of a case; each fits its rule, and none is missing."""
        entries = node.entries if node else ()
        given = {entry.key: entry for entry in entries}
        for name, entry in given.items():
            spec = self._inputs.get(name)
            if spec is None:
                message = f"unknown input `{shorten(name)}`{suggestion(name, self._inputs)}"
                self._report.add("MF1303", entry.place, message)
            elif has_hole(entry.value):
                self._report.add("MF1209", entry.value.place, f"`{name}` takes no `${{{{ }}}}`", _FIXED)
            else:
                for complaint in complaints(plain(entry.value), spec.rule, mask="the value"):
                    self._report.add("MF1104", entry.value.place, f"input `{name}`: {complaint.message}")
        for name, spec in self._inputs.items():
            if spec.required and name not in given:
                place = node.place if node else fields.node.place
                self._report.add("MF1102", place, f"the input `{name}` is missing in {fields.what}")
        return {name: plain(entry.value) for name, entry in given.items()}

    def _faults(self, fields: Fields) -> Iterator[str]:
        for text, place in fields.texts("faults", "fault", "Write a list, e.g. `[lost_reply@shops.list]`."):
            try:
                parse_fault(text)
            except InvalidUse as error:
                self._report.add("MF1104", place, f"`faults`: {error.message}. {error.help}")
            else:
                yield text

    def _expected(self, node: Mapping) -> Expected:
        fields = Fields(node, "`expect`", self._report)
        status = fields.choice("status", STATUSES, "")
        expected = Expected.model_validate(
            {
                "status": status or None,
                "outputs": self._outputs(fields),
                "effects": self._counts(fields, "effects", self._operations, "operation of this workflow"),
                "heals": self._counts(fields, "heals", {*get_args(FaultKind)}, "kind of fault"),
                "parked": self._steps(fields, "parked"),
                "failed": self._steps(fields, "failed"),
                "holds": tuple(self._conditions(fields)),
            }
        )
        fields.close()
        if not node.entries:
            self._report.add("MF1102", node.place, "`expect` is empty, expected at least `status`")
        return expected

    def _outputs(self, fields: Fields) -> JsonValue:
        node = fields.mapping("outputs")
        if node is not None and has_hole(node):
            self._report.add(
                "MF1209", node.place, "`outputs` takes no `${{ }}`", "Write a condition: `holds`."
            )
        return None if node is None else plain(node)

    def _counts(self, fields: Fields, key: str, known: set[str], what: str) -> dict[str, int] | None:
        node = fields.mapping(key)
        if node is None:
            return None
        inner = Fields(node, f"`{key}`", self._report)
        for entry in node.entries:
            if entry.key not in known:
                message = f"`{key}`: `{shorten(entry.key)}` is no {what}{suggestion(entry.key, known)}"
                self._report.add("MF1104", entry.place, message)
        return {entry.key: inner.integer(entry.key, least=0, most=_MOST, default=0) for entry in node.entries}

    def _steps(self, fields: Fields, key: str) -> tuple[str, ...] | None:
        if not fields.has(key):
            return None
        found = fields.texts(key, "step", "Write a list of steps, e.g. `[award]`.")
        for path, place in found:
            plain_path = _INDEX.sub("", path)
            if plain_path not in self._paths:
                message = f"unknown step `{shorten(path)}`{suggestion(plain_path, self._paths)}"
                self._report.add("MF1301", place, message)
        return tuple(path for path, _ in found)

    def _conditions(self, fields: Fields) -> Iterator[Expression]:
        node = fields.node_of("holds")
        items = node.items if isinstance(node, Sequence) else () if node is None else (node,)
        uses = Uses(self._report)
        for item in items:
            expression = uses.bare(item, "holds", wants=("boolean",), names=NAMES)
            if expression is not None:
                yield expression
        self._meaning.uses(uses.found, frozenset(), Sight(self._inputs))


def _paths(steps: tuple[Step, ...], before: str = "") -> Iterator[str]:
    """Yield the path of every step, without the places of items."""
    for step in steps:
        yield before + step.id
        if isinstance(step, MapStep):
            yield from _paths(step.steps, f"{before}{step.id}.")
