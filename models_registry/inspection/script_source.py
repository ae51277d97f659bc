"""Holds TorchScript's source to what torch writes for a model that only computes on tensors. Default deny.

The source in a TorchScript file is a small subset of Python in which every operator is spelled out (`torch.conv2d(…)`), every
part of the model has a declared type, and every function stands in the file. So each call can be followed to what it calls: an
operator, which must be listed, or a function or method of the file itself. Whatever cannot be followed is refused: on a value
of unknown type even `x.save(path)` could be the operator that writes files.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from models_registry.inspection import operators

_WRITTEN = (  # the kinds of syntax that torch writes
    ast.Module, ast.ClassDef, ast.FunctionDef, ast.arguments, ast.arg, ast.Return, ast.Assign, ast.AnnAssign, ast.Expr, ast.If,
    ast.While, ast.For, ast.Pass, ast.Name, ast.Attribute, ast.Call, ast.keyword, ast.Constant, ast.Tuple, ast.List, ast.Dict,
    ast.Subscript, ast.Slice, ast.UnaryOp, ast.IfExp, ast.expr_context, ast.unaryop,
)  # fmt: skip
_BASES = frozenset({"Module", "NamedTuple"})
_WORDS = frozenset({"annotate", "bool", "complex", "float", "int", "range", "str", "unchecked_cast", "uninitialized"})
_HOOKS = frozenset({"__setstate__", "__getstate__", "__init__", "__new__", "__del__", "__reduce__"})
_NATIVE = ("__torch__.torch.classes", "torch.classes")  # classes in native code, which any library may add
_CONSTANTS = "CONSTANTS"
_LARGEST = 4 << 20  # characters of one file


@dataclass(frozen=True)
class Flaw:
    """A place in the source that is not what torch writes, or more than a model needs."""

    code: str
    found: str
    line: int


@dataclass(slots=True)
class Class:
    """A part of the model as the source declares it."""

    parameters: list[str] = field(default_factory=list)
    buffers: list[str] = field(default_factory=list)
    types: dict[str, str] = field(default_factory=dict)  # attribute -> its declared type, as written
    methods: dict[str, ast.FunctionDef] = field(default_factory=dict)


class Source:
    """All source files of an archive together. `flaws` are found by `check`; `operators` counts what is called."""

    def __init__(self) -> None:
        self.classes: dict[str, Class] = {}
        self.functions: dict[str, ast.FunctionDef] = {}
        self.operators: Counter[str] = Counter()
        self.flaws: list[tuple[str, Flaw]] = []  # member, flaw
        self._trees: list[tuple[str, ast.Module]] = []

    def add(self, member: str, text: str) -> None:
        """Parse `code/__torch__/torch/nn/functional.py` and note what it declares."""
        module = member.removeprefix("code/").removesuffix(".py").replace("/", ".")
        try:
            if len(text) > _LARGEST:
                raise ValueError("a source file is longer than 4 MiB")
            tree = ast.parse(text)
            list(map(self._declare, [module] * len(tree.body), tree.body))
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            self.flaws.append((member, Flaw("program_source", f"{type(error).__name__}: {error}"[:200], 0)))
            return
        self._trees.append((member, tree))

    def check(self) -> None:
        """Follow every call in every file."""
        for member, tree in self._trees:
            try:
                self.flaws += [(member, flaw) for flaw in self._flaws(tree)]
            except RecursionError:
                self.flaws.append((member, Flaw("program_source", "nested too deeply", 0)))

    def _declare(self, module: str, node: ast.stmt) -> None:
        if isinstance(node, ast.FunctionDef):
            self.functions[f"{module}.{node.name}"] = node
        elif isinstance(node, ast.ClassDef):
            self.classes[f"{module}.{node.name}"] = _class(node)

    def _flaws(self, tree: ast.Module) -> Iterator[Flaw]:
        for node in ast.walk(tree):
            if not isinstance(node, _WRITTEN):
                yield Flaw("program_source", type(node).__name__, getattr(node, "lineno", 0))
            elif isinstance(node, ast.Attribute) and _dotted(node).startswith(_NATIVE):
                yield Flaw("forbidden_operator", _dotted(node)[:100], node.lineno)
        for node in tree.body:
            if isinstance(node, ast.ClassDef):
                yield from self._flaws_of_class(node)
            elif isinstance(node, ast.FunctionDef):
                yield from self._flaws_of_function(node)
            else:
                yield Flaw("program_source", ast.unparse(node)[:100], node.lineno)

    def _flaws_of_class(self, node: ast.ClassDef) -> Iterator[Flaw]:
        bases = {base.id if isinstance(base, ast.Name) else "?" for base in node.bases}
        if node.decorator_list or node.keywords or len(bases) != 1 or not bases <= _BASES:
            yield Flaw("program_source", ast.unparse(node).splitlines()[0][:100], node.lineno)
        for one in node.body:
            if isinstance(one, ast.FunctionDef):
                if one.name in _HOOKS:
                    yield Flaw("program_hook", f"{node.name}.{one.name}"[:100], one.lineno)
                yield from self._flaws_of_function(one)
            elif any(isinstance(inner, ast.Call) for inner in ast.walk(one)):
                yield Flaw("program_source", ast.unparse(one)[:100], one.lineno)

    def _flaws_of_function(self, node: ast.FunctionDef) -> Iterator[Flaw]:
        if node.decorator_list:
            yield Flaw("program_source", ast.unparse(node.decorator_list[0])[:100], node.lineno)
        scope = _Scope(self, node)
        yield from scope.flaws()
        self.operators.update(scope.called)


class _Scope:
    """One function: which of its names stand for parts of the model or for functions of the file."""

    def __init__(self, source: Source, node: ast.FunctionDef) -> None:
        self._source, self._node = source, node
        self.called: Counter[str] = Counter()
        self._parts: dict[str, str] = {}  # name -> class
        self._functions: dict[str, str] = {}  # name -> function of the file
        self._others: set[str] = set()
        for argument in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs):
            self._learn(argument.arg, _dotted(argument.annotation) if argument.annotation else "")
        for one in ast.walk(node):  # in no order of running: a name that is two things is none
            if isinstance(one, ast.Assign) and len(one.targets) == 1 and isinstance(one.targets[0], ast.Name):
                self._learn(one.targets[0].id, self._type_of(one.value) or _dotted(one.value))
            elif isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store):
                self._others.add(one.id)

    def _learn(self, name: str, what: str) -> None:
        known = self._parts.get(name, self._functions.get(name, what))
        if known != what or name in self._others:
            what = ""
        self._parts.pop(name, None)
        self._functions.pop(name, None)
        if what in self._source.classes:
            self._parts[name] = what
        elif what in self._source.functions:
            self._functions[name] = what
        else:
            self._others.add(name)

    def _type_of(self, node: ast.expr) -> str:
        """The class of the part of the model that `node` is, or ""."""
        match node:
            case ast.Name(id=name):
                return self._parts.get(name, "")
            case ast.Attribute(value=inner, attr=attribute):
                return self._declared(inner, attribute)
            case ast.Call(func=ast.Name(id="getattr"), args=[inner, ast.Constant(value=str(attribute))], keywords=[]):
                return self._declared(inner, attribute)
        return ""

    def _declared(self, inner: ast.expr, attribute: str) -> str:
        owner = self._source.classes.get(self._type_of(inner))
        return owner.types.get(attribute, "") if owner else ""

    def flaws(self) -> Iterator[Flaw]:
        for part in (*self._node.body, *self._node.args.defaults, *filter(None, self._node.args.kw_defaults)):
            yield from self._walk(part)

    def _walk(self, node: ast.AST) -> Iterator[Flaw]:
        if isinstance(node, ast.Call):
            if not self._may_call(node):
                code = "training_mode" if _trains(node) else "forbidden_operator"
                yield Flaw(code, ast.unparse(node.func)[:100], node.lineno)
            parts: list[ast.AST] = [*node.args, *(given.value for given in node.keywords)]
            if isinstance(node.func, ast.Attribute):
                parts.append(node.func.value)
            if _is_type_word(node):
                parts = [*node.args[1:], *(given.value for given in node.keywords)]
        elif isinstance(node, ast.Attribute):
            if not self._may_read(node):
                yield Flaw("forbidden_operator", ast.unparse(node)[:100], node.lineno)
            parts = [node.value]
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):  # which stand at the top of a file only
            yield Flaw("program_source", node.name[:100], node.lineno)
            return
        elif isinstance(node, ast.AnnAssign):
            parts = [node.target, *([node.value] if node.value else [])]
        else:
            parts = list(ast.iter_child_nodes(node))
        for part in parts:
            yield from self._walk(part)

    def _may_call(self, node: ast.Call) -> bool:
        dotted = _dotted(node.func)
        root, _, rest = dotted.partition(".")
        if isinstance(node.func, ast.Name):
            of_python = dotted in _WORDS or (dotted == "getattr" and self._reads_attribute(node))
            return dotted in self._functions or (of_python and dotted not in self._others)
        if root in ("torch", "ops") and root not in self._parts:
            self.called[rest.removeprefix("aten.")] += 1
            return operators.allowed_in_script(dotted) and not _trains(node) and not _on_a_device(node)
        if root == "__torch__":
            return dotted in self._source.functions or dotted in self._source.classes
        match node.func:
            case ast.Attribute(value=inner, attr=method):
                owner = self._source.classes.get(self._type_of(inner))
                return owner is not None and method in owner.methods and method not in _HOOKS
        return False

    def _reads_attribute(self, node: ast.Call) -> bool:
        match node:
            case ast.Call(args=[inner, ast.Constant(value=str(attribute))], keywords=[]):
                owner = self._source.classes.get(self._type_of(inner))
                return owner is not None and attribute in owner.types
        return False

    def _may_read(self, node: ast.Attribute) -> bool:
        """An attribute that is declared, a constant of the file, or a step on the way to a function of the file."""
        dotted = _dotted(node)
        if dotted.startswith("__torch__.") or dotted == "__torch__":
            known = (*self._source.functions, *self._source.classes)
            return any(name == dotted or name.startswith(dotted + ".") for name in known)
        if dotted.startswith(_CONSTANTS + ".") or dotted in ("torch", "ops", "ops.prim", "ops.aten"):
            return _CONSTANTS not in self._others
        owner = self._source.classes.get(self._type_of(node.value))
        return owner is not None and node.attr in owner.types


def _class(node: ast.ClassDef) -> Class:
    found = Class()
    for one in node.body:
        match one:
            case ast.FunctionDef():
                found.methods[one.name] = one
            case ast.AnnAssign(target=ast.Name(id=name), annotation=kind):
                found.types[name] = _dotted(kind)
            case ast.Assign(targets=[ast.Name(id="__parameters__" | "__buffers__" as which)], value=ast.List(elts=names)):
                texts = [name.value for name in names if isinstance(name, ast.Constant) and isinstance(name.value, str)]
                setattr(found, which.strip("_"), texts)
            case ast.Assign(
                targets=[ast.Subscript(value=ast.Name(id="__annotations__"), slice=ast.Constant(value=str(name)))], value=kind
            ):
                found.types[name] = _dotted(kind)
    return found


def _dotted(node: ast.AST | None) -> str:
    """`__torch__.torch.nn.functional.relu`, or "?" for what is no chain of names."""
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    return ".".join(reversed([*names, node.id])) if isinstance(node, ast.Name) else "?"


def _is_type_word(node: ast.Call) -> bool:
    """Whether the first argument is a type: annotate(List[Tensor], [])."""
    return isinstance(node.func, ast.Name) and node.func.id in ("annotate", "unchecked_cast", "uninitialized")


def _trains(node: ast.Call) -> bool:
    """Whether a layer was traced as in training: dropout that drops, normalisation by the batch with statistics kept."""
    name, arguments = _dotted(node.func), node.args
    if name.removesuffix("_") in ("torch.dropout", "torch.feature_dropout", "torch.alpha_dropout"):
        return len(arguments) == 3 and isinstance(arguments[2], ast.Constant) and arguments[2].value is True
    if name == "torch.batch_norm" and len(arguments) > 5:
        kept = not (isinstance(arguments[3], ast.Constant) and arguments[3].value is None)
        return kept and isinstance(arguments[5], ast.Constant) and arguments[5].value is True
    return False


def _on_a_device(node: ast.Call) -> bool:
    """Whether the call names a device other than the CPU."""
    texts = [one.value for one in node.args if isinstance(one, ast.Constant)]
    return _dotted(node.func) == "torch.device" and texts != ["cpu"]
