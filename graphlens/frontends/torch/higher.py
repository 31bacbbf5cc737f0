"""torch's higher-order ops in an exported program: cond, while_loop, scan and map, as regions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import torch
from torch.fx import GraphModule, Node

from graphlens.errors import CaptureError
from graphlens.frontends.torch.call import is_symbolic
from graphlens.frontends.torch.translate import Translator
from graphlens.frontends.torch.views import Ref
from graphlens.ir.graph import Graph
from graphlens.ir.node import Value
from graphlens.tensor import TensorType


class Reader(Protocol):
    """What reads the program: its translator is that of the graph that is being written."""

    translator: Translator

    def run(self, module: GraphModule, env: dict[Node, Any]) -> Any:
        """Translate a graph of fx; what its inputs are is in ``env``; returns what it returns."""
        ...


def higher(reader: Reader, node: Node, args: list[Any], types: list[TensorType]) -> list[Ref]:
    """Translate one call of a higher-order op.

    Args:
        reader: What reads the program.
        node: The call.
        args: Its arguments, tensors as Refs, functions as GraphModules.
        types: The types of its results.

    Raises:
        CaptureError: If it is one that has no form as a node with regions.
    """
    write = _OPS.get(str(node.target))
    if write is None:
        raise CaptureError(
            f"the higher-order op {node.target} cannot be captured; "
            "program.run_decompositions() may take it apart"
        )
    first = write(reader, args, types)
    return [Ref(Value(first.node, index)) for index in range(len(types))]


def _cond(reader: Reader, args: list[Any], types: list[TensorType]) -> Value:
    """torch.cond as ONNX's If: what the branches read are the node's last operands."""
    condition, then, otherwise, operands = args
    held = _read(reader, operands)
    given = _types(reader, held)
    bodies = {"then_branch": then, "else_branch": otherwise}
    regions = {
        name: _body(reader, name, given, lambda refs, body=body: _called(reader, body, refs))
        for name, body in bodies.items()
    }
    return _node(reader, "If", "cond", [_single(reader, condition), *held], types, regions)


def _while(reader: Reader, args: list[Any], types: list[TensorType]) -> Value:
    """while_loop as ONNX's Loop: the test is made before it, and at the end of every round."""
    test, step, carried, captured = args
    held, outer = _read(reader, carried), _read(reader, captured)
    going = _called(reader, test, [*map(Ref, held), *map(Ref, outer)])[0]
    given = [_ROUND, _GOING, *types, *_types(reader, outer)]

    def rounds(refs: list[Ref]) -> list[Ref]:
        made = _called(reader, step, refs[2:])
        again = _called(reader, test, [*made, *refs[2 + len(held) :]])
        return [Ref(_single(reader, again[0])), *made]

    regions = {"body": _body(reader, "body", given, rounds)}
    operands = [None, _single(reader, going), *held, *outer]
    return _node(reader, "Loop", "while_loop", operands, types, regions, captures=len(outer))


def _scan(reader: Reader, args: list[Any], types: list[TensorType]) -> Value:
    """A scan is ONNX's Scan: the first operands are carried, then come those that are cut up."""
    step, start, parts, captured = args
    return _scanned(reader, "scan", (step, start, parts, captured), types)


def _map(reader: Reader, args: list[Any], types: list[TensorType]) -> Value:
    """A map is a Scan that carries nothing."""
    step, parts, captured = args
    return _scanned(reader, "map", (step, [], parts, captured), types)


def _scanned(reader: Reader, name: str, args: Any, types: list[TensorType]) -> Value:
    step, start, parts, captured = args
    held, cut, outer = (_read(reader, one) for one in (start, parts, captured))
    each = [one.with_shape((one.shape or ())[1:]) for one in _types(reader, cut)]
    given = [*types[: len(held)], *each, *_types(reader, outer)]
    body = _body(reader, "body", given, lambda refs: _called(reader, step, refs))
    return _node(
        reader,
        "Scan",
        name,
        [*held, *cut, *outer],
        types,
        {"body": body},
        num_scan_inputs=len(cut),
        captures=len(outer),
    )


_ROUND, _GOING = TensorType("int64", ()), TensorType("bool", ())

_OPS: dict[str, Callable[[Reader, list[Any], list[TensorType]], Value]] = {
    "cond": _cond,
    "while_loop": _while,
    "scan": _scan,
    "map_impl": _map,
}


def _node(
    reader: Reader,
    op: str,
    name: str,
    operands: Sequence[Value | None],
    types: list[TensorType],
    regions: dict[str, Graph],
    **attributes: int,
) -> Value:
    build = reader.translator.build
    wanted = reader.translator.scopes.name(build.scope, name)
    return build.op(op, *operands, results=types, regions=regions, name=wanted, **attributes)


def _body(
    reader: Reader,
    name: str,
    types: Sequence[TensorType],
    write: Callable[[list[Ref]], Sequence[Ref]],
) -> Graph:
    """A region as a closed graph, written by a function of its inputs."""
    outer = reader.translator
    inner = Translator(name, outer.graph.graph["capture"], outer.scopes)
    inner.symbols = outer.symbols.inner(same_graph=False)
    inner.place(outer.build.scope, outer.build.source)
    reader.translator = inner
    try:
        return inner.output(write([inner.input(f"input_{i}", t) for i, t in enumerate(types)]), ())
    finally:
        reader.translator = outer


def _called(reader: Reader, module: GraphModule, given: Sequence[Ref]) -> list[Ref]:
    """What a function of the program gives, each of its inputs being a Ref."""
    names = [node for node in module.graph.nodes if node.op == "placeholder"]
    translator = reader.translator
    around, translator.symbols = translator.symbols, translator.symbols.inner(same_graph=True)
    try:
        env = {node: _formal(translator, node, ref) for node, ref in zip(names, given, strict=True)}
        made = reader.run(module, env)
        parts = list(made) if isinstance(made, list | tuple) else [made]
        return [translator.number(one) if is_symbolic(one) else one for one in parts]
    finally:
        translator.symbols = around


def _formal(translator: Translator, node: Node, ref: Ref) -> Any:
    """What a function's argument is inside it: a Ref, or the symbolic number that it stands for."""
    held = node.meta.get("val")
    if isinstance(held, torch.Tensor):
        translator.symbols.declare(ref.read(), held)
    elif is_symbolic(held):
        translator.symbols.tell(held, ref.read())
        return held
    return ref


def _read(reader: Reader, given: Sequence[Any]) -> list[Value]:
    refs = [reader.translator.number(one) if is_symbolic(one) else one for one in given]
    if not all(isinstance(one, Ref) for one in refs):
        kinds = sorted({type(one).__name__ for one in refs if not isinstance(one, Ref)})
        raise CaptureError(
            f"a higher-order op carries {', '.join(kinds)}, expected tensors: pass torch.tensor(n)"
        )
    return [one.read() for one in refs]


def _types(reader: Reader, values: Sequence[Value]) -> list[TensorType]:
    return [reader.translator.build.type_of(value) for value in values]


def _single(reader: Reader, ref: Any) -> Value:
    """A condition without axes."""
    build = reader.translator.build
    value = (reader.translator.number(ref) if is_symbolic(ref) else ref).read()
    if build.type_of(value).shape == ():
        return value
    return build.op("Reshape", value, build.const([]), results=[_GOING])
