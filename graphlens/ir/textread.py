"""Reading the text form back: parsed with `ast`, never executed."""

from __future__ import annotations

import ast
from typing import Any

import ml_dtypes  # noqa: F401  # pyright: ignore[reportUnusedImport]  (registers dtypes)
import numpy as np

from graphlens.errors import FormatError, GraphlensError
from graphlens.ir.graph import Graph
from graphlens.ir.node import CONST, INPUT, OURS, OUTPUT, STRUCTURAL, Node, Source, Value
from graphlens.tensor import Dim, TensorType

_NUMBERS = {"nan": float("nan"), "inf": float("inf")}
_BARE = STRUCTURAL | {"Region"}
_PROVENANCE = frozenset({"_scope", "_source", "_origins"})


def parse(text: str) -> Graph:
    """The Graph written in ``text``, the form that `to_text` writes.

    Raises:
        FormatError: With the line, if the text is not of that form.
    """
    try:
        module = ast.parse(text.strip())
    except (SyntaxError, ValueError, RecursionError) as error:
        raise FormatError(f"not the text of a graph: {error}") from error
    if len(module.body) != 1 or not isinstance(module.body[0], ast.FunctionDef):
        raise FormatError("the text of a graph is one 'def name(inputs): ...'")
    return _Reader(module.body[0]).graph


class _Reader:
    """Reads one def, statement by statement."""

    def __init__(self, definition: ast.FunctionDef) -> None:
        self.graph = Graph(name=definition.name)
        self._regions: dict[str, Graph] = {}
        try:
            self._formals(definition.args)
        except (GraphlensError, SyntaxError, ValueError, TypeError) as error:
            raise FormatError(f"line {definition.lineno}: {error}, in the inputs") from error
        for statement in definition.body:
            try:
                self._statement(statement)
            except (GraphlensError, KeyError, ValueError, TypeError) as error:
                line = ast.unparse(statement).splitlines()[0]
                raise FormatError(f"line {statement.lineno}: {error}, in: {line}") from error

    def _formals(self, arguments: ast.arguments) -> None:
        if arguments.vararg or arguments.kwarg or arguments.kwonlyargs or arguments.posonlyargs:
            raise ValueError("plain inputs were expected")
        unnamed = len(arguments.args) - len(arguments.defaults)
        for index, argument in enumerate(arguments.args):
            name = argument.arg
            if index >= unnamed:
                spelt = ast.literal_eval(arguments.defaults[index - unnamed])
                name = _name(ast.parse(spelt, mode="eval").body)
            held = _type(argument.annotation) if argument.annotation else TensorType("undefined")
            if self.graph.add(Node(INPUT, OURS, results=(held,)), name=name) != name:
                raise ValueError(f"the name {name!r} is taken")

    def _statement(self, statement: ast.stmt) -> None:
        match statement:
            case ast.FunctionDef(name=name):
                self._regions[name] = _Reader(statement).graph
            case ast.AnnAssign(target=target, annotation=held, value=ast.Call() as call):
                self._operation(_name(target), held, call)
            case ast.Return(value=value):
                self._output(value)
            case _:
                raise ValueError("expected 'name: type = Op(operands)', a def or a return")

    def _operation(self, name: str, annotation: ast.expr, call: ast.Call) -> None:
        many = isinstance(annotation, ast.Tuple)
        held = annotation.elts if isinstance(annotation, ast.Tuple) else [annotation]
        domain, _, op = _name(call.func).rpartition(".")
        if not domain and op in _BARE:
            domain = OURS
        given = _keywords(call)
        origin = {w.arg[1:]: _plain(w.value) for w in call.keywords if w.arg in _PROVENANCE}
        regions = {key: self._regions.pop(key) for key in list(given) if key in self._regions}
        node = Node(
            op=op,
            domain=domain,
            attributes={key: _plain(v) for key, v in given.items() if key not in regions},
            results=tuple(map(_type, held)) if held or many else (),
            scope=origin.get("scope", ""),
            source=Source(*origin.get("source", ())),
            origins=tuple(origin.get("origins", ())),
            regions=regions,
        )
        if (domain, op) == (OURS, CONST):
            self._constant(name, node, call.args)
            return
        got = self.graph.add(node, [self._value(operand) for operand in call.args], name)
        if got != name:
            raise ValueError(f"the name {name!r} is taken")

    def _constant(self, name: str, node: Node, arguments: list[ast.expr]) -> None:
        name = self.graph.add(node, name=name)
        if len(arguments) != 1:
            raise ValueError("a Const takes its value, or '...'")
        if isinstance(arguments[0], ast.Constant) and arguments[0].value is ...:
            return
        held = node.results[0]
        dtype = object if held.dtype == "string" else np.dtype(held.dtype)
        array = np.array(_plain(arguments[0]), dtype)
        if held.is_static:
            array = array.reshape([int(dim) for dim in held.shape or ()])
        self.graph.weights[name] = array

    def _output(self, value: ast.expr | None) -> None:
        attributes: dict[str, Any] = {}
        if isinstance(value, ast.Call):
            read = value.args
            attributes = {key: _plain(given) for key, given in _keywords(value).items()}
        elif value is None:
            read = []
        else:
            read = value.elts if isinstance(value, ast.Tuple) else [value]
        values = [self._value(operand) for operand in read]
        self.graph.add(Node(OUTPUT, OURS, attributes), values, "output")

    def _value(self, expression: ast.expr) -> Value | None:
        match expression:
            case ast.Name(id=word):
                return Value(word)
            case ast.Constant(value=None):
                return None
            case ast.BinOp(left=left, op=ast.MatMult(), right=ast.Constant(value=int(result))):
                return Value(_name(left), result)
            case _:
                return Value(_name(expression), 0)


def _keywords(call: ast.Call) -> dict[str, ast.expr]:
    """The keywords of a call but for provenance; ``**{'any name': 1}`` for those no Python word."""
    found: dict[str, ast.expr] = {}
    for word in call.keywords:
        if word.arg is not None:
            if word.arg not in _PROVENANCE:
                found[word.arg] = word.value
        elif isinstance(word.value, ast.Dict):
            for key, value in zip(word.value.keys, word.value.values, strict=True):
                if not isinstance(key, ast.Constant) or not isinstance(key.value, str):
                    raise ValueError("a keyword of '**' must be a string")
                found[key.value] = value
        else:
            raise ValueError("'**' takes a table written out")
    return found


def _name(expression: ast.expr) -> str:
    """The name that an expression spells: ``layer1[0].conv`` is ``'layer1.0.conv'``."""
    if isinstance(expression, ast.Name):
        return expression.id
    parts: list[str] = []
    while True:
        match expression:
            case ast.Name(id=word):
                return ".".join([word, *reversed(parts)])
            case ast.Attribute(value=inner, attr=word):
                parts.append(word)
            case ast.Subscript(value=ast.Name(id="_"), slice=ast.Constant(value=str(whole))):
                return ".".join([whole, *reversed(parts)])
            case ast.Subscript(value=inner, slice=ast.Constant(value=int(number))):
                parts.append(str(number))
            case _:
                raise ValueError(f"{ast.unparse(expression)!r} is not a name")
        expression = inner


def _type(annotation: ast.expr) -> TensorType:
    match annotation:
        case ast.Subscript(value=ast.Name(id=dtype), slice=ast.Constant(value=v)) if v is ...:
            return TensorType(dtype, None)
        case ast.Subscript(value=ast.Name(id=dtype), slice=ast.Tuple(elts=dims)):
            return TensorType(dtype, tuple(map(_dim, dims)))
        case ast.Subscript(value=ast.Name(id=dtype), slice=dim):
            return TensorType(dtype, (_dim(dim),))
        case _:
            raise ValueError(f"{ast.unparse(annotation)!r} is not a type like float32[1, 3]")


def _dim(expression: ast.expr) -> Dim:
    if isinstance(expression, ast.Constant) and isinstance(expression.value, int | str):
        return expression.value
    return ast.unparse(expression)


def _plain(expression: ast.expr) -> Any:
    """The plain value that a literal spells; lists become tuples."""
    match expression:
        case ast.Constant(value=value):
            return value
        case ast.Name(id=word) if word in _NUMBERS:
            return _NUMBERS[word]
        case ast.List(elts=items) | ast.Tuple(elts=items):
            return tuple(map(_plain, items))
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_plain(operand)
        case ast.Subscript():
            return _type(expression)
        case ast.Call(func=ast.Name(id="complex"), args=[real, imaginary]):
            return complex(_plain(real), _plain(imaginary))
        case _:
            raise ValueError(f"{ast.unparse(expression)!r} is not a literal")
