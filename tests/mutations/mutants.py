"""Small changes of a program, one at a time, as a careless hand might make them."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass

_FLIPPED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
_NAMES = {"any": "all", "all": "any", "min": "max", "max": "min"}


@dataclass(frozen=True, slots=True)
class Mutant:
    """A program with one small change."""

    line: int
    was: str
    now: str
    text: str

    def __str__(self) -> str:
        return f"line {self.line}: `{self.was}` became `{self.now}`"


def mutants(source: str) -> Iterator[Mutant]:
    """Yield every mutant of a module; annotations, docstrings and texts for people stay as they are."""
    tree = ast.parse(source)
    for holder, field, index, node in list(_places(tree)):
        for changed in _changes(node):
            _put(holder, field, index, changed)
            text = ast.unparse(ast.fix_missing_locations(tree))
            yield Mutant(node.lineno, _first_line(node), _first_line(changed), text)
        _put(holder, field, index, node)


_Place = tuple[ast.AST, str, int | None, ast.expr | ast.stmt]


def _places(node: ast.AST) -> Iterator[_Place]:
    """Yield where the program can be changed: what holds a node, under which name, at which place of a list."""
    for field, value in ast.iter_fields(node):
        if field in {"annotation", "returns", "decorator_list", "bases", "pattern"}:
            continue
        for index, inner in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if isinstance(inner, ast.JoinedStr) or _is_text(inner):
                continue
            if isinstance(node, ast.Compare) and isinstance(inner, ast.Constant):
                continue  # the comparison itself is flipped
            if isinstance(inner, ast.expr | ast.stmt):
                yield node, field, index, inner
            if isinstance(inner, ast.AST):
                yield from _places(inner)


def _is_text(node: object) -> bool:
    """Tell whether a node is an import, an alias of a type, a docstring, or words for people."""
    if isinstance(node, ast.Import | ast.ImportFrom):
        return True
    if isinstance(node, ast.Assign) and isinstance(node.value, ast.Subscript | ast.BinOp):
        return isinstance(node.targets[0], ast.Name) and node.col_offset == 0
    held = node.value if isinstance(node, ast.Expr) else node
    if not isinstance(held, ast.Constant) or not isinstance(held.value, str):
        return False
    return isinstance(node, ast.Expr) or not held.value.isidentifier()


def _put(holder: ast.AST, field: str, index: int | None, node: ast.AST) -> None:
    if index is None:
        setattr(holder, field, node)
    else:
        getattr(holder, field)[index] = node


def _changes(node: ast.expr | ast.stmt) -> Iterator[ast.expr | ast.stmt]:
    match node:
        case ast.If(_, body, orelse):
            yield ast.If(ast.Constant(value=True), body, orelse)
            yield ast.If(ast.Constant(value=False), body, orelse)
        case ast.Expr(ast.Call(ast.Name("assert_never"))):
            return  # never reached: the type checker proves it
        case ast.Expr() | ast.Raise() | ast.AugAssign():
            yield ast.Pass()
        case ast.expr():
            yield from _other_expressions(node)
        case _:
            return


def _other_expressions(node: ast.expr) -> Iterator[ast.expr]:
    match node:
        case ast.Compare(left, ops, comparators):
            for place, operator in enumerate(ops):
                flipped = _FLIPPED[type(operator)]()
                yield ast.Compare(left, [*ops[:place], flipped, *ops[place + 1 :]], comparators)
        case ast.BoolOp(operator, values):
            yield ast.BoolOp(ast.Or() if isinstance(operator, ast.And) else ast.And(), values)
            for place in range(len(values)):
                rest = [*values[:place], *values[place + 1 :]]
                yield rest[0] if len(rest) == 1 else ast.BoolOp(operator, rest)
        case ast.UnaryOp(ast.Not(), operand):
            yield operand
        case ast.BinOp(left, ast.Add() | ast.Sub() as operator, right):
            yield ast.BinOp(left, ast.Sub() if isinstance(operator, ast.Add) else ast.Add(), right)
        case ast.IfExp(_, body, orelse):
            yield from (body, orelse)
        case ast.Name(id=name, ctx=context) if name in _NAMES:
            yield ast.Name(_NAMES[name], context)
        case ast.Constant(value):
            yield from map(ast.Constant, _other_values(value))
        case _:
            return


def _other_values(value: object) -> Iterator[bool | int | str]:
    match value:
        case bool():
            yield not value
        case int():
            yield value + 1
        case str():
            yield f"{value}_mutant"
        case _:
            return


def _first_line(node: ast.AST) -> str:
    return ast.unparse(node).partition("\n")[0][:100]
