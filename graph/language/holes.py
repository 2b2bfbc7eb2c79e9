"""Fields of the file as values: what stands as it is, and what is filled in by expressions."""

from collections.abc import Sequence as Several
from dataclasses import dataclass, field

from .diagnostics import Report
from .expressions import Kind
from .plan import Expression, ListOf, Literally, MapOf, Template, Value
from .reader import Broken, Mapping, Node, Scalar, Sequence, plain
from .tokens import end_of_hole

_OPEN = "${{"


@dataclass(frozen=True, slots=True)
class Use:
    """An expression where it stands in the file."""

    expression: Expression
    scalar: Scalar
    start: int
    """Offset of the expression in the scalar's text."""
    field: str
    """The key it belongs to, for messages."""
    wants: tuple[Kind, ...] = ()
    """Types its result may have; empty: any."""
    names: tuple[str, ...] = ()
    """Names it may use besides inputs, steps and a map's item."""


@dataclass(slots=True)
class Uses:
    """Collects the expressions of one step, and the mistakes met on the way."""

    report: Report
    found: list[Use] = field(default_factory=list)

    def bare(
        self, node: Node, name: str, *, wants: tuple[Kind, ...] = (), names: tuple[str, ...] = ()
    ) -> Expression | None:
        """Return the expression that a bare CEL field holds; None when it holds none."""
        if isinstance(node, Broken):
            return None
        if not isinstance(node, Scalar) or not isinstance(node.value, str) or not node.value.strip():
            self.report.add(
                "MF1103",
                node.place,
                f"`{name}` holds no expression",
                "Write a CEL expression as text, in quotes.",
            )
            return None
        if _OPEN in node.value:
            place = node.at(node.value.index(_OPEN))
            message = f"`{name}` is an expression already and takes no `${{{{ }}}}`"
            self.report.add("MF1209", place, message, "Drop the `${{` and `}}`.")
            return None
        start = len(node.value) - len(node.value.lstrip())
        return self._use(node, start, node.value.strip(), name, wants, names)

    def value(self, node: Node, name: str) -> Value:
        """Return a field as a value, its holes as expressions."""
        match node:
            case Scalar(value=str()):
                return self._text(node, name)
            case Sequence():
                items = tuple(self.value(item, f"{name}[{i}]") for i, item in enumerate(node.items))
                if all(isinstance(item, Literally) for item in items):
                    return Literally(value=plain(node))
                return ListOf(items=items)
            case Mapping():
                fields = {e.key: self.value(e.value, f"{name}.{e.key}") for e in node.entries}
                if all(isinstance(item, Literally) for item in fields.values()):
                    return Literally(value=plain(node))
                return MapOf(fields=fields)
            case Scalar() | Broken():
                return Literally(value=plain(node))

    def _text(self, node: Scalar, name: str) -> Value:
        text = str(node.value)
        parts = self._parts(node, text, name)
        if all(isinstance(part, str) for part in parts):
            return Literally(value=text)
        filled = [part for part in parts if not isinstance(part, str) or part.strip()]
        if len(filled) == 1 and isinstance(filled[0], Expression):
            return filled[0]
        return Template(parts=tuple(parts))

    def _parts(self, node: Scalar, text: str, name: str) -> Several[str | Expression]:
        parts: list[str | Expression] = []
        done = 0
        while (opened := text.find(_OPEN, done)) >= 0:
            if opened > done:
                parts.append(text[done:opened])
            start = opened + len(_OPEN)
            end = end_of_hole(text, start)
            if end < 0:
                message = "found `${{` without its `}}`"
                self.report.add("MF1206", node.at(opened), message, "Close the hole with `}}`.")
                return ["", *parts]
            expression = self._hole(node, text[start:end], start, name)
            if expression is not None:
                parts.append(expression)
            done = end + 2
        if done < len(text):
            parts.append(text[done:])
        return parts

    def _hole(self, node: Scalar, inner: str, start: int, name: str) -> Expression | None:
        if not inner.strip():
            self.report.add(
                "MF1201", node.at(start - len(_OPEN)), "found an empty `${{ }}`, expected an expression"
            )
            return None
        lead = len(inner) - len(inner.lstrip())
        return self._use(node, start + lead, inner.strip(), name, (), ())

    def _use(
        self,
        node: Scalar,
        start: int,
        text: str,
        name: str,
        wants: tuple[Kind, ...],
        names: tuple[str, ...],
    ) -> Expression:
        place = node.at(start)
        self.report.count_expression(place)
        expression = Expression(text=text, place=place)
        self.found.append(Use(expression, node, start, name, wants, names))
        return expression


def has_hole(node: Node) -> bool:
    """Return whether a text anywhere in the field has a hole."""
    match node:
        case Scalar(value=str()):
            return _OPEN in str(node.value)
        case Sequence():
            return any(has_hole(item) for item in node.items)
        case Mapping():
            return any(has_hole(entry.value) for entry in node.entries)
        case _:
            return False
