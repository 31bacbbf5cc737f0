"""Folding BatchNorm, and any scale and shift per channel, into the weights beside it."""

from __future__ import annotations

import numpy as np

from graphlens.ir import OURS, PARAM, Editor, Graph, Node, Value
from graphlens.passes.affine import Affine, Array, Linear, affine_of, linear_of
from graphlens.rewrite.regions import inside
from graphlens.tensor import TensorType

_AFFINE_OPS = frozenset({"BatchNormalization", "Mul", "Div", "Add", "Sub"})


def fold_batch_norm(graph: Graph) -> Graph:
    """The graph with BatchNorms multiplied into the weights of their neighbours.

    1. ``BatchNormalization(Conv(x, W, b))`` -> ``Conv(x, W * k, b * k + shift)``, and so for
       ConvTranspose and ``MatMul(x, W) + b``, where k and shift are the norm's numbers by channel
       (Jacob et al., arXiv:1712.05877, section 3.2).
    2. ``Mul``, ``Div``, ``Add`` and ``Sub`` by a constant per channel after them, the same way.
    3. ``Conv(BatchNormalization(x), W, b)``, where nothing is padded: the padding's zeros would
       have to become other numbers.

    Numbers are worked out at float64 and rounded once. A value that somebody else reads, a norm
    in training mode, weights that are not known and results that would overflow are left alone.
    """
    graph = inside(graph, fold_batch_norm)
    editor = Editor(graph)
    for name in graph.in_order():
        if graph.op(name) in _AFFINE_OPS and name in editor.graph:
            affine = affine_of(editor.graph, name)
            if affine is not None and not _fold_back(editor, affine):
                _fold_ahead(editor, affine)
    return editor.finish()


# -- into the node before --------------------------------------------------------------------


def _fold_back(editor: Editor, affine: Affine) -> bool:
    """Fold into the linear node whose result ``affine`` alone reads."""
    graph = editor.graph
    if len(graph.users(affine.source)) != 1 or affine.source.result:
        return False
    linear = linear_of(graph, affine.source.node)
    if linear is None or (affine.axis is not None and affine.axis != linear.axis):
        return False
    matmul, kept = graph.op(linear.name) == "MatMul", bool(np.all(affine.scale == 1))
    if matmul and not linear.adder and kept:
        return False  # an Add after a MatMul is where its bias is
    weight = graph.weights[linear.weight]
    scaled = weight if kept else _rounded(_scaled(graph, linear.name, weight, affine.scale), weight)
    shifted = _rounded(_bias(graph, linear, affine), weight)
    if scaled is None or shifted is None:
        return False
    if not kept:
        _set(editor, linear.name, 1, linear.weight, scaled, affine)
    if linear.bias or np.any(shifted):
        _set_bias(editor, linear, shifted, affine)
    _replace(editor, affine, Value(linear.adder or _result(editor, affine, linear)))
    return True


def _scaled(graph: Graph, name: str, weight: Array, scale: Array) -> Array:
    """Weights with each output channel multiplied by its scale, rounded once."""
    op, group = graph.op(name), graph.nodes[name]["attributes"].get("group", 1)
    if scale.size == 1:
        return _product(weight, scale.reshape(()))
    if op == "MatMul":
        return _product(weight, scale)
    if op == "Conv":
        return _product(weight, scale.reshape(-1, *[1] * (weight.ndim - 1)))
    # a ConvTranspose's filter is [C, M / group, kernel...], its outputs in order of group
    rows = weight.reshape(group, -1, *weight.shape[1:])
    factor = scale.reshape(group, 1, -1, *[1] * (weight.ndim - 2))
    return _product(rows, factor).reshape(weight.shape)


def _product(weight: Array, factor: Array) -> Array:
    """A product worked out at float64 and held at the weights' dtype, without a wide copy of it."""
    made = np.empty(weight.shape, weight.dtype)
    with np.errstate(over="ignore", invalid="ignore"):
        if weight.dtype.kind != "f":  # bfloat16 has no products with float64
            return (weight.astype(np.float64) * factor).astype(weight.dtype)
        np.multiply(weight, factor, out=made, dtype=np.float64, casting="unsafe")
    return made


def _bias(graph: Graph, linear: Linear, affine: Affine) -> Array:
    """The new bias, float64[C]."""
    held = graph.nodes[linear.name]
    array = graph.weights[linear.weight]
    grouped = held["attributes"].get("group", 1) if held["op"] == "ConvTranspose" else 1
    count = array.shape[0 if held["op"] == "Conv" else 1] * grouped
    old = graph.weights[linear.bias].astype(np.float64).reshape(-1) if linear.bias else np.zeros(1)
    return np.broadcast_to(old * affine.scale + affine.shift, (count,))


def _set_bias(editor: Editor, linear: Linear, bias: Array, affine: Affine) -> None:
    matmul = editor.graph.op(linear.name) == "MatMul"
    if not linear.bias:
        if not matmul:
            _new_bias(editor, linear.name, 2, linear.weight, bias, affine)
        return
    reader = linear.adder or linear.name
    operands = editor.graph.operands(reader)
    operand = next(i for i, v in enumerate(operands) if v is not None and v.node == linear.bias)
    _set(editor, reader, operand, linear.bias, bias, affine)


def _result(editor: Editor, affine: Affine, linear: Linear) -> str:
    """The node that gives the folded result: for a MatMul without a bias so far, a new Add."""
    graph = editor.graph
    if graph.op(linear.name) != "MatMul" or not np.any(affine.shift):
        return linear.name
    node = graph.node(affine.name)
    dtype = graph.weights[linear.weight].dtype
    bias = np.broadcast_to(affine.shift, (graph.weights[linear.weight].shape[1],)).astype(dtype)
    add = Node("Add", "", {}, node.results, node.scope, node.source, node.origins)
    name = editor.add(add, (Value(linear.name),), f"{linear.name}.add", affine.name)
    _new_bias(editor, name, 1, linear.weight, bias, affine)
    return name


# -- into the node after ---------------------------------------------------------------------


def _fold_ahead(editor: Editor, affine: Affine) -> bool:
    """Fold a BatchNorm into the one Conv that reads it, if that pads nothing."""
    graph = editor.graph
    users = graph.users(Value(affine.name))
    if graph.op(affine.name) != "BatchNormalization" or len(users) != 1 or users[0].operand:
        return False
    name = users[0].node
    linear = linear_of(graph, name) if graph.op(name) == "Conv" else None
    given = graph.nodes[name]["attributes"]
    padded = any(given.get("pads", ())) or given.get("auto_pad", "NOTSET") not in _UNPADDED
    if linear is None or padded or linear.axis != affine.axis:
        return False
    weight = graph.weights[linear.weight]
    group, inner = given.get("group", 1), weight.shape[1]
    factor, shift = (
        np.broadcast_to(part, (group * inner,)).reshape(group, 1, inner, *[1] * (weight.ndim - 2))
        for part in (affine.scale, affine.shift)
    )
    rows = weight.reshape(group, -1, *weight.shape[1:])
    old = graph.weights[linear.bias].astype(np.float64) if linear.bias else np.zeros(1)
    moved = (rows * shift).sum(axis=tuple(range(2, rows.ndim))).reshape(-1) + old
    bias = _rounded(moved, weight)
    scaled = _rounded(_product(rows, factor).reshape(weight.shape), weight)
    if scaled is None or bias is None:
        return False
    _set(editor, name, 1, linear.weight, scaled, affine)
    if linear.bias:
        _set(editor, name, 2, linear.bias, bias, affine)
    elif np.any(bias):
        _new_bias(editor, name, 2, linear.weight, bias, affine)
    _adopt(editor, name, [affine.name])
    editor.rewire(name, 0, affine.source)
    editor.sweep([affine.name])
    return True


_UNPADDED = ("NOTSET", "VALID")


# -- the edits -------------------------------------------------------------------------------


def _rounded(made: Array, like: Array) -> Array | None:
    """Numbers at the dtype of others, None if some do not survive as finite ones."""
    with np.errstate(over="ignore", invalid="ignore"):
        found = made.astype(like.dtype, copy=False)
        return found if bool(np.isfinite(found).all()) else None


def _set(editor: Editor, reader: str, operand: int, old: str, array: Array, affine: Affine) -> None:
    """Give one operand of a node new numbers, in the old Param itself if nobody else reads it."""
    held = TensorType(str(array.dtype), array.shape)
    origins = _union(editor.graph, [old, *affine.constants])
    if _read_once(editor.graph, old):
        editor.update(old, op=PARAM, results=(held,), origins=origins)
        editor.set_weight(old, array)
        return
    node = Node(PARAM, OURS, {}, (held,), editor.graph.node(old).scope, origins=origins)
    name = editor.add(node, (), old, reader)
    editor.set_weight(name, array)
    editor.rewire(reader, operand, Value(name))


def _read_once(graph: Graph, name: str) -> bool:
    """Whether one operand reads a weight, without a look at the thousands that a tied one has."""
    readers = graph.succ[name]
    return len(readers) == 1 and all(len(edges) == 1 for edges in readers.values())


def _new_bias(
    editor: Editor, reader: str, operand: int, weight: str, array: Array, affine: Affine
) -> None:
    """Add a bias, named beside the weight: ``conv.weight`` -> ``conv.bias``."""
    held = TensorType(str(array.dtype), array.shape)
    scope, origins = editor.graph.node(weight).scope, _union(editor.graph, affine.constants)
    stem = weight.rpartition(".")[0] or reader
    name = editor.add(
        Node(PARAM, OURS, {}, (held,), scope, origins=origins), (), f"{stem}.bias", reader
    )
    editor.set_weight(name, array)
    editor.rewire(reader, operand, Value(name))


def _replace(editor: Editor, affine: Affine, value: Value) -> None:
    _adopt(editor, value.node, [affine.name])
    editor.replace(Value(affine.name), value)
    editor.sweep([affine.name])


def _adopt(editor: Editor, name: str, gone: list[str]) -> None:
    editor.update(name, origins=_union(editor.graph, [name, *gone]))


def _union(graph: Graph, names: list[str] | tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(o for name in names for o in graph.nodes[name]["origins"]))
