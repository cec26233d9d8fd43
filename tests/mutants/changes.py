"""The changes that are tried: each makes one site of a module's syntax tree say something else."""

import ast
import copy
from collections.abc import Iterator
from dataclasses import dataclass

COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.BitXor: ast.BitOr,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """A module with one change.

    Attributes:
        function: The outermost function or method that the change is in, as `name` or `Class.name`; None: the module.
        line: Of the unchanged source.
        what: The line before and after.
        tree: The whole module, changed.
    """

    function: str | None
    line: int
    what: str
    tree: ast.Module


def mutants(source: str) -> Iterator[Mutant]:
    """Every change of this source, in order."""
    tree = ast.parse(source)
    for number, (place, function) in enumerate(_sites(tree)):
        for choice in range(len(_changes(place))):
            changed = copy.deepcopy(tree)
            twin, _ = list(_sites(changed))[number]
            before = ast.unparse(_statement(changed, twin))
            after_node = _changes(twin)[choice]
            holder = _replace(changed, twin, after_node)
            after = ast.unparse(_statement(changed, holder))
            what = f"{_first_difference(before, after)}"
            yield Mutant(function=function, line=getattr(place, "lineno", 0), what=what, tree=changed)


def _sites(tree: ast.Module) -> Iterator[tuple[ast.AST, str | None]]:
    """Every node that may be changed, and the function that it stands in; a parameter's default is the module's."""
    for statement in tree.body:
        own, prefix = ([statement], "") if not isinstance(statement, ast.ClassDef) else (statement.body, statement.name)
        for member in own:
            if isinstance(member, ast.FunctionDef):
                name = f"{prefix}.{member.name}" if prefix else member.name
                yield from ((node, None) for node in _nodes(member.args))
                yield from ((node, name) for one in member.body for node in _nodes(one))
            else:
                yield from ((node, None) for node in _nodes(member))


def _nodes(node: ast.AST) -> Iterator[ast.AST]:
    """Those within that decide something when it runs: no annotation, no decorator, no facts of an error."""
    yield node
    if isinstance(node, ast.Raise) or (isinstance(node, ast.Call) and ast.unparse(node.func).endswith("Error")):
        return
    skipped: set[int] = set()
    if isinstance(node, ast.FunctionDef):  # within another
        skipped |= {id(one) for one in (node.returns, *node.decorator_list) if one is not None}
    if isinstance(node, ast.arg | ast.AnnAssign) and node.annotation is not None:
        skipped.add(id(node.annotation))
    for child in ast.iter_child_nodes(node):
        if id(child) not in skipped and not isinstance(child, ast.Import | ast.ImportFrom):
            yield from _nodes(child)


def _changes(node: ast.AST) -> list[ast.AST]:  # noqa: C901, PLR0911  # a row for each kind of node
    match node:
        case ast.Compare(ops=[operator]):
            return [_with(node, ops=[COMPARISONS[type(operator)]()])]
        case ast.BinOp() if type(node.op) in OPERATORS:
            return [_with(node, op=OPERATORS[type(node.op)]())]
        case ast.BoolOp():
            return [_with(node, op=ast.Or() if isinstance(node.op, ast.And) else ast.And())]
        case ast.UnaryOp(op=ast.Not()):
            return [node.operand]
        case ast.Constant(value=bool() as value):
            return [_with(node, value=not value)]
        case ast.Constant(value=int() as value):
            return [_with(node, value=value + 1)]
        case ast.Constant(value=bytes() as value):
            return [_with(node, value=value + b"~")]
        case ast.Return(value=ast.AST()) if not (isinstance(node.value, ast.Constant) and node.value.value is None):
            return [_with(node, value=ast.Constant(None))]
        case ast.Raise() | ast.Expr(value=ast.Call()) | ast.AugAssign():
            return [ast.copy_location(ast.Pass(), node)]
        case ast.If() | ast.IfExp() | ast.While():
            return [_with(node, test=ast.UnaryOp(ast.Not(), node.test))]
        case ast.Break():
            return [ast.copy_location(ast.Pass(), node)]
    return []


def _with(node: ast.AST, **fields: object) -> ast.AST:
    twin = copy.copy(node)
    for name, value in fields.items():
        setattr(twin, name, value)
    return twin


def _replace(tree: ast.Module, old: ast.AST, new: ast.AST) -> ast.AST:
    """Put one node in another's place."""
    for parent in ast.walk(tree):
        for name, value in ast.iter_fields(parent):
            if value is old:
                setattr(parent, name, new)
            elif isinstance(value, list) and any(one is old for one in value):
                setattr(parent, name, [new if one is old else one for one in value])
    ast.fix_missing_locations(tree)
    return new


def _statement(tree: ast.Module, node: ast.AST) -> ast.AST:
    """The innermost statement that a node stands in."""
    found: ast.AST = tree
    for statement in ast.walk(tree):
        if isinstance(statement, ast.stmt) and any(one is node for one in ast.walk(statement)):
            found = statement
    return found


def _first_difference(before: str, after: str) -> str:
    pairs = zip(before.splitlines(), [*after.splitlines(), ""], strict=False)
    one, other = next(((one, other) for one, other in pairs if one != other), (before, after))
    return f"{one.strip()}  →  {other.strip()}"
