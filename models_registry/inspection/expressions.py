"""The small languages inside an exported program: expressions over sizes, guards, and the shapes of arguments.

torch evaluates the first with sympy's `sympify` (which is `eval`), compiles the second to Python, and imports what the third
name. So each is held to exactly what torch writes, by a grammar.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable
from typing import Any

_LONGEST = 4_000  # characters
_DEEPEST = 16
SYMBOL = re.compile(r"[a-z]{1,4}[0-9]{1,6}")
_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,99}")
_PLAIN = re.compile(r"[A-Za-z0-9_ ()\[\]'.,=<>!+*/%-]*")  # in particular no comment, no double quote, no line break
_FUNCTIONS = frozenset({
    "Abs", "Add", "And", "CeilDiv", "CeilToInt", "CleanDiv", "Equality", "FloatPow", "FloatTrueDiv", "FloorDiv", "FloorToInt",
    "GreaterThan", "Identity", "IntTrueDiv", "LShift", "LessThan", "Max", "Min", "Mod", "ModularIndexing", "Mul", "Not", "Or",
    "Pow", "PowByNatural", "PythonMod", "RShift", "RoundDecimal", "RoundToInt", "StrictGreaterThan", "StrictLessThan", "ToFloat",
    "TruncToFloat", "TruncToInt", "Unequality", "Where",
})  # fmt: skip
_WORDS = frozenset({"true", "false", "oo"})
_ASSUMPTIONS = frozenset({"positive", "negative", "nonnegative", "integer", "real", "finite", "zero"})
_COMPARISONS = (ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE)
_OPERATIONS = (ast.Add, ast.Sub, ast.Mult, ast.FloorDiv, ast.Mod)

LEAF = "*"  # where a tensor stands in the shape of arguments


def is_expression(text: object) -> bool:
    """Whether `text` is an expression over sizes as sympy's `srepr` writes it: named functions of symbols and numbers."""
    return _holds(_expression, _parsed(text))


def symbol_of(text: object) -> str:
    """The name of the symbol that is the whole expression, as in `Symbol('s77', positive=True, integer=True)`, or ""."""
    tree = _parsed(text)
    match tree:
        case ast.Call(func=ast.Name(id="Symbol"), args=[ast.Constant(value=str(name))]) if _holds(_expression, tree):
            return name
    return ""


def is_guard(text: object) -> bool:
    """Whether `text` only compares sizes of inputs: `L['x'].size()[2] // 2 != 1`."""
    return _holds(_guard, _parsed(text))


def shape_of_arguments(text: object) -> Any:
    """What torch's description of nested arguments stands for: LEAF, tuples, lists and dicts of it. Raises ValueError where it
    names anything else, such as a class to import."""
    if not isinstance(text, str):
        raise ValueError("not a text")
    try:
        said = json.loads(text)
        if not isinstance(said, list) or len(said) != 2 or type(said[0]) is not int or said[0] != 1:
            raise ValueError("another version")
        return _shape(said[1], _DEEPEST)
    except RecursionError as error:
        raise ValueError("too deep") from error


def _parsed(text: object) -> ast.expr | None:
    if not isinstance(text, str) or len(text) > _LONGEST or not _PLAIN.fullmatch(text):
        return None
    try:
        return ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _holds(rule: Callable[[ast.expr], bool], tree: ast.expr | None) -> bool:
    try:
        return tree is not None and rule(tree)
    except RecursionError:  # a long row of operators is as deep as it is long
        return False


def _expression(node: ast.expr) -> bool:
    match node:
        case ast.Name(id=word):
            return word in _WORDS
        case ast.Call(func=ast.Name(id="Symbol"), args=[ast.Constant(value=str(name))], keywords=given):
            return bool(SYMBOL.fullmatch(name)) and all(_assumption(one) for one in given)
        case ast.Call(func=ast.Name(id="Integer"), args=[number], keywords=[]):
            return _whole(number)
        case ast.Call(func=ast.Name(id="Rational"), args=[above, below], keywords=[]):
            return _whole(above) and _whole(below)
        case ast.Call(func=ast.Name(id="Float"), args=[ast.Constant(value=str(digits))], keywords=given):
            decimal = re.fullmatch(r"-?[0-9]{1,40}(\.[0-9]{1,60})?(e[+-]?[0-9]{1,3})?", digits)
            return bool(decimal) and all(one.arg == "precision" and _whole(one.value) for one in given)
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
            return name in _FUNCTIONS and all(_expression(one) for one in arguments)
    return False


def _assumption(given: ast.keyword) -> bool:
    return given.arg in _ASSUMPTIONS and isinstance(given.value, ast.Constant) and isinstance(given.value.value, bool)


def _whole(node: ast.expr) -> bool:
    match node:
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant() as inner):
            return _whole(inner)
        case ast.Constant(value=number):
            return type(number) is int and number.bit_length() <= 64
    return False


def _guard(node: ast.expr) -> bool:
    match node:
        case ast.Constant():
            return _whole(node)
        case ast.UnaryOp(op=ast.USub() | ast.Not(), operand=inner):
            return _guard(inner)
        case ast.BoolOp(values=parts):
            return all(map(_guard, parts))
        case ast.BinOp(op=how, left=left, right=right):
            return isinstance(how, _OPERATIONS) and _guard(left) and _guard(right)
        case ast.Compare(left=left, ops=hows, comparators=others):
            return all(isinstance(how, _COMPARISONS) for how in hows) and all(map(_guard, [left, *others]))
        case ast.Call(func=ast.Name(id="max" | "min"), args=arguments, keywords=[]):
            return all(map(_guard, arguments))
        case ast.Subscript(value=ast.Call(func=ast.Attribute(value=source, attr="size"), args=[], keywords=[]), slice=which):
            return _whole(which) and _source(source)
    return False


def _source(node: ast.expr) -> bool:
    """An input by its name: L['x']."""
    match node:
        case ast.Subscript(value=ast.Name(id="L"), slice=ast.Constant(value=str(name))):
            return bool(_KEY.fullmatch(name))
    return False


def _shape(said: object, left: int) -> Any:
    if not isinstance(said, dict) or set(said) != {"type", "context", "children_spec"} or not left:
        raise ValueError("not a shape")
    kind, context, children = said["type"], said["context"], said["children_spec"]
    if not isinstance(children, list):
        raise ValueError("not a shape")
    if kind is None:
        if context is not None or children:
            raise ValueError("not a shape")
        return LEAF
    parts = [_shape(child, left - 1) for child in children]
    if kind in ("builtins.tuple", "builtins.list") and context == "null":
        return tuple(parts) if kind == "builtins.tuple" else parts
    if kind in ("builtins.dict", "collections.OrderedDict") and isinstance(context, str):
        keys = json.loads(context)
        if isinstance(keys, list) and all(isinstance(key, str) and _KEY.fullmatch(key) for key in keys):
            return dict(zip(keys, parts, strict=True))
    raise ValueError(f"{str(kind)[:100]} is neither tuple, list nor dict")
