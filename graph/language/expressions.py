"""CEL expressions: checked with positions when a workflow is read, evaluated when it runs.

The only file that knows the CEL library. There is no clock in an expression, comprehensions over maps are
refused because their order would leak out, and results are plain JSON.
"""

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, assert_never

from cel_expr_python import cel  # type: ignore[import-untyped]  # has stubs, but no marker
from pydantic import JsonValue

from ...connectors.contract import JsonObject
from ...connectors.errors import MendflowError
from .functions import entries, greatest, joined, least, total
from .plan import Expression, ListOf, Literally, MapOf, Place, Template, Value
from .tokens import Reference, references, sure_of_lists

LONGEST = 4_000
"""Characters of an expression."""

Kind = str
"""A type name of JSON Schema, or empty where the type shows only at run time."""


class ExpressionFault(MendflowError):  # a fault is the word of the design
    """An expression could not be evaluated on the values of this run."""

    code = "expression"

    def __init__(self, text: str, place: Place, reason: str) -> None:
        super().__init__(f"{place}: `{text}` cannot be evaluated: {reason}")
        self.text = text
        self.place = place
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Scope:
    """What expressions see. The values are plain JSON and are never changed by an expression."""

    inputs: Mapping[str, JsonValue]
    steps: Mapping[str, JsonObject] = field(default_factory=dict)
    """By step id: `output`, `status` and what else the engine tells about a step."""
    names: Mapping[str, JsonValue] = field(default_factory=dict)
    """Further names: a map's item, `index`, `output`, `draft`."""


@dataclass(frozen=True, slots=True)
class Flaw:
    """What is wrong with an expression; `offset` counts characters from 0."""

    code: str
    offset: int
    message: str
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """What the check of an expression found."""

    kind: Kind
    flaws: tuple[Flaw, ...] = ()


def _function(
    name: str, takes: list[cel.Type], gives: cel.Type, rule: Callable[..., Any]
) -> cel.FunctionDecl:
    overload = cel.Overload(
        id=f"mendflow_{name}", return_type=gives, parameters=takes, is_member=False, impl=rule
    )
    return cel.FunctionDecl(name, [overload])


_ANY = cel.Type.DYN
_LIST = cel.Type.List(_ANY)
_FUNCTIONS = [
    _function("entries", [cel.Type.Map(cel.Type.STRING, _ANY)], _LIST, entries),
    _function("sum", [_LIST], _ANY, total),
    _function("min", [_LIST], _ANY, least),
    _function("max", [_LIST], _ANY, greatest),
    _function("lower", [cel.Type.STRING], cel.Type.STRING, str.lower),
    _function("join", [_LIST, cel.Type.STRING], cel.Type.STRING, joined),
]
FUNCTIONS = frozenset(
    (
        *("entries", "sum", "min", "max", "lower", "join"),
        *("size", "has", "all", "exists", "exists_one", "map", "filter"),
        *("contains", "startsWith", "endsWith", "matches"),
        *("int", "double", "string", "bool", "timestamp", "duration", "type", "dyn"),
        *("getFullYear", "getMonth", "getDayOfMonth", "getDayOfWeek", "getDayOfYear"),
        *("getHours", "getMinutes", "getSeconds", "getMilliseconds"),
    )
)
"""Functions that an expression may call."""

_TYPES: dict[Kind, cel.Type] = {
    "boolean": cel.Type.BOOL,
    "integer": cel.Type.INT,
    "number": cel.Type.DOUBLE,
    "string": cel.Type.STRING,
}
_KINDS: dict[str, Kind] = {
    "BOOL": "boolean",
    "INT": "integer",
    "UINT": "integer",
    "DOUBLE": "number",
    "STRING": "string",
    "TIMESTAMP": "string",
    "DURATION": "string",
    "LIST": "array",
    "MAP": "object",
    "NULL": "null",
    "DYN": "",
}

_ERROR = re.compile(r"ERROR: <input>:(-?\d+):(-?\d+): (.*)")
_UNDECLARED = re.compile(r"undeclared reference to '([^']*)'")
_NO_OVERLOAD = re.compile(r"found no matching overload for '([^']*)' applied to '(.*)'")


def check(text: str, variables: Mapping[str, Kind]) -> Check:
    """Return the type of an expression's result and its flaws; `variables` are what it may refer to.

    Names with dots, such as `inputs.email`, are variables too.
    """
    if len(text) > LONGEST:
        return Check("", (Flaw("MF1204", 0, f"found {len(text)} characters, expected at most {LONGEST}"),))
    types = {name: _TYPES.get(kind, _ANY) for name, kind in variables.items()}
    try:
        environment = cel.NewEnv(variables=types, functions=_FUNCTIONS)
        program = environment.compile(text)
    except RuntimeError as error:
        return Check("", _flaws(text, str(error)))
    sure = sure_of_lists(text)
    if sure.added:
        try:
            environment.compile(sure.text)
        except RuntimeError as error:
            return Check("", _sure_flaws(sure.origin, sure.text, str(error)))
    name = program.return_type().name().partition("<")[0]
    if name not in _KINDS:
        flaw = Flaw("MF1207", 0, f"found a result of type {name.lower()}, expected a value of JSON")
        return Check("", (flaw,))
    return Check(_KINDS[name])


def _flaws(text: str, complaint: str) -> tuple[Flaw, ...]:
    found: list[Flaw] = []
    for line, column, words in _ERROR.findall(complaint):
        offset = _offset(text, int(line), int(column))
        if "recursion" in words:
            found.append(Flaw("MF1204", 0, "the expression is nested too deeply, expected at most 32 levels"))
        elif int(line) > 0:
            found.append(_flaw(text, offset, words))
    if not found and "recursion" in complaint:
        found.append(Flaw("MF1204", 0, "the expression is nested too deeply, expected at most 32 levels"))
    if not found:
        found.append(Flaw("MF1201", 0, "CEL cannot read this expression"))
    return tuple(dict.fromkeys(found))


def _offset(text: str, line: int, column: int) -> int:
    if line < 1:
        return 0
    starts = [0, *(match.end() for match in re.finditer(r"\n", text))]
    return min(starts[min(line, len(starts)) - 1] + max(column, 1) - 1, len(text))


def _flaw(text: str, offset: int, words: str) -> Flaw:
    undeclared = _UNDECLARED.match(words)
    if undeclared:
        return _unknown(text, offset, undeclared[1])
    overload = _NO_OVERLOAD.match(words)
    if overload:
        name = overload[1].strip("_").replace("_", " ")
        return Flaw("MF1203", offset, f"`{name}` does not take ({overload[2].strip('()')})")
    found = words.removeprefix("Syntax error: ").partition(" expecting ")[0]
    early = "'<EOF>'" in found
    return Flaw(
        "MF1201", offset, "the expression ends too early" if early else f"CEL cannot read this: {found}"
    )


def _unknown(text: str, offset: int, name: str) -> Flaw:
    if text[offset : offset + 1] == "(":
        start = max(text.rfind(name, 0, offset), 0)
        clock = "There is no clock in an expression; hand the moment in as an input." if name == "now" else ""
        return Flaw("MF1208", start, name, clock)
    first = name.partition(".")[0]
    start = offset if text.startswith(first, offset) else max(text.rfind(first, 0, offset + 1), 0)
    return Flaw("MF1202", start, first)


def _sure_flaws(origin: Callable[[int], int], text: str, complaint: str) -> tuple[Flaw, ...]:
    for flaw in _flaws(text, complaint):
        if flaw.code == "MF1203":
            message = "found a comprehension over something that is not a list, expected a list"
            advice = "The order of a map is not defined; write `entries(m)` for its sorted keys and values."
            return (Flaw("MF1205", origin(flaw.offset), message, advice),)
    return (Flaw("MF1204", 0, "the expression is nested too deeply, expected at most 32 levels"),)


class _Program:
    """A compiled expression and the parts of the scope that it needs."""

    __slots__ = ("_compiled", "_roots", "path")

    def __init__(self, text: str) -> None:
        found = references(text)
        self.path = found[0].path if len(found) == 1 and found[0].alone else ()
        self._roots: dict[str, Any] = {}
        for reference in found:
            name, fields = _root(reference)
            self._roots[name] = _grown(self._roots.get(name, {}), fields)
        self._compiled = _environment(frozenset(self._roots)).compile(sure_of_lists(text).text)

    def run(self, scope: Scope) -> cel.Value:
        data = {}
        for name, wanted in self._roots.items():
            value, given = _look_up(name, scope)
            if given:
                data[name] = _fit(_pruned(value, wanted))
        return self._compiled.eval(data=data)


def _root(reference: Reference) -> tuple[str, tuple[str, ...]]:
    count = 2 if reference.path[0] == "steps" else 1
    return ".".join(reference.path[:count]), reference.path[count:]


def _grown(wanted: Any, fields: tuple[str, ...]) -> Any:
    """Return the tree of wanted fields with one path more; True stands for the whole value."""
    if wanted is True or not fields:
        return True
    return {**wanted, fields[0]: _grown(wanted.get(fields[0], {}), fields[1:])}


def _pruned(value: JsonValue, wanted: Any) -> JsonValue:
    """Return only the wanted fields: CEL converts all that it is given, and large outputs are common."""
    if wanted is True or not isinstance(value, dict):
        return value
    return {name: _pruned(value[name], deeper) for name, deeper in wanted.items() if name in value}


class _Unfit(Exception):  # a signal inside this file
    """A value that CEL would change in silence."""


def _fit(value: JsonValue) -> JsonValue:
    """Return the value when all its texts reach CEL whole: the binding cuts them at U+0000."""
    if isinstance(value, str):
        if "\0" in value or not (value.isascii() or _is_unicode(value)):
            raise _Unfit
    elif isinstance(value, list):
        for item in value:
            _fit(item)
    elif isinstance(value, dict):
        for name, item in value.items():
            _fit(name)
            _fit(item)
    return value


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _look_up(name: str, scope: Scope) -> tuple[JsonValue, bool]:
    if name == "inputs":
        return dict(scope.inputs), True
    if name.startswith("steps."):
        step = name.removeprefix("steps.")
        return scope.steps.get(step), step in scope.steps
    return scope.names.get(name), name in scope.names


@lru_cache(maxsize=256)
def _environment(names: frozenset[str]) -> cel.Env:
    return cel.NewEnv(variables=dict.fromkeys(names, _ANY), functions=_FUNCTIONS)


@lru_cache(maxsize=2048)
def _program(text: str) -> _Program:
    return _Program(text)


def evaluate(expression: Expression, scope: Scope) -> JsonValue:
    """Return the expression's value as plain JSON; raise ExpressionFault when it has none."""
    try:
        program = _program(expression.text)
    except RuntimeError as error:
        flaws = _flaws(expression.text, str(error))
        raise ExpressionFault(expression.text, expression.place, flaws[0].message) from error
    if program.path:
        return _follow(expression, program.path, scope)
    try:
        result = program.run(scope)
    except _Unfit as error:
        reason = "a text in it holds U+0000 or half a character, which CEL would cut"
        raise ExpressionFault(expression.text, expression.place, reason) from error
    kind = result.type().name()
    if kind == "ERROR":
        raise ExpressionFault(expression.text, expression.place, _reason(str(result.plain_value())))
    try:
        return _json(result.plain_value())
    except ValueError as error:
        raise ExpressionFault(expression.text, expression.place, str(error)) from error


def holds(expression: Expression, scope: Scope) -> bool:
    """Return whether a condition holds; raise ExpressionFault when its value is neither true nor false."""
    value = evaluate(expression, scope)
    if isinstance(value, bool):
        return value
    raise ExpressionFault(expression.text, expression.place, f"found {_name(value)}, expected true or false")


def resolve(value: Value, scope: Scope) -> JsonValue:
    """Return a field's value with its holes filled; raise ExpressionFault when one cannot be."""
    match value:
        case Literally():
            return value.value
        case Expression():
            return evaluate(value, scope)
        case Template():
            parts = (p if isinstance(p, str) else _text(evaluate(p, scope)) for p in value.parts)
            return "".join(parts)
        case ListOf():
            return [resolve(item, scope) for item in value.items]
        case MapOf():
            return {name: resolve(item, scope) for name, item in value.fields.items()}
        case _:
            assert_never(value)


def _follow(expression: Expression, path: tuple[str, ...], scope: Scope) -> JsonValue:
    """Return what a mere path leads to, without a detour through CEL, which would convert it twice."""
    count = 2 if path[0] == "steps" else 1
    value, given = _look_up(".".join(path[:count]), scope)
    if not given:
        raise ExpressionFault(
            expression.text, expression.place, f"`{'.'.join(path[:count])}` has no value yet"
        )
    for name in path[count:]:
        if not isinstance(value, dict):
            raise ExpressionFault(expression.text, expression.place, f"`{name}` asked of {_name(value)}")
        if name not in value:
            raise ExpressionFault(expression.text, expression.place, f"there is no `{name}`")
        value = value[name]
    return value


def _text(value: JsonValue) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _json(value: Any) -> JsonValue:
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            if not math.isfinite(value):
                raise ValueError("the result is not a finite number")
            return value
        case list():
            return [_json(item) for item in value]
        case dict():
            if not all(isinstance(key, str) for key in value):
                raise ValueError("the result has a key that is not a text")
            return {key: _json(value[key]) for key in sorted(value)}
        case datetime():
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case timedelta():
            return _seconds(value)
        case _:
            raise ValueError("the result is not a value of JSON")


def _seconds(duration: timedelta) -> str:
    micros = duration // timedelta(microseconds=1)
    sign, micros = ("-", -micros) if micros < 0 else ("", micros)
    whole, rest = divmod(micros, 1_000_000)
    return f"{sign}{whole}" + (f".{rest:06d}".rstrip("0") if rest else "") + "s"


def _name(value: JsonValue) -> str:
    match value:
        case None:
            return "nothing"
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "a text"
        case list():
            return "a list"
        case _:
            return "a mapping"


_CEL_CODE = re.compile(r"^[A-Z_]+: ")


def _reason(complaint: str) -> str:
    words = _CEL_CODE.sub("", complaint)
    missing = re.match(r'Key not found in map : "(.*)"', words)
    if missing:
        return f"there is no `{missing[1]}`"
    absent = re.match(r'No value with name "(.*?)"', words)
    if absent:
        return f"`{absent[1]}` has no value yet"
    if words.startswith("Integer value"):
        return "a number in it is beyond 64 bits"
    overload = re.match(r"No matching overloads found : (.*)", words)
    if overload and overload[1].endswith(", list)") and overload[1].startswith("_+_("):
        return "a comprehension goes over something that is not a list; for a map write `entries(m)`"
    if overload:
        return f"no rule for {overload[1]}; `int(x)`, `double(x)` and `string(x)` convert"
    return words
