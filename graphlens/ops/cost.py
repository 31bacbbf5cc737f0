"""FLOPs of one node: the arithmetic that its definition asks for, not what a kernel may do.

A multiply and an add are two. Convolutions, matrix products and attention are counted as
``torch.utils.flop_counter`` counts them, biases besides; normalisations as fvcore
(``fvcore/nn/jit_handles.py``: 5 an element with an affine part, 2 for a BatchNorm at inference);
an elementwise op is one for each element that it makes, whatever the function, as in XLA's
``HloCostAnalysis``; a reduction one for each element that it reads; a softmax 5 (max, subtract,
exp, sum, divide). Moving, viewing and looking up are none.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from graphlens.ir.graph import Graph
from graphlens.ir.node import OURS, Node
from graphlens.ops.facts import facts
from graphlens.tensor import Dim, TensorType

Types = Sequence[TensorType | None]


def flops(node: Node, operands: Types) -> int | None:
    """Floating-point (or integer) operations of one run of a node.

    Args:
        node: The op, with its result types.
        operands: The type of each operand, None for one not given.

    Returns:
        None where a size that matters is not known, or nothing is known of the op.
    """
    try:
        rule = _RULES.get(node.op) if not node.domain else _CONTRIBUTED.get(node.qualified)
        if rule is not None:
            return rule(node, operands)
        if node.regions:
            return _regions(node)
        return _by_category(node, operands)
    except _Unknown:
        return None


def graph_flops(graph: Graph) -> int | None:
    """The FLOPs of a graph's nodes together, or None where one is not known."""
    total = 0
    for name in graph:
        node = graph.node(name)
        read = [None if value is None else graph.type_of(value) for value in graph.operands(name)]
        count = flops(node, read)
        if count is None:
            return None
        total += count
    return total


class _Unknown(Exception):  # noqa: N818  (a way out of nested rules, never seen outside)
    """A size is not known."""


def _elements(held: TensorType | None) -> int:
    count = None if held is None else held.elements
    if count is None:
        raise _Unknown
    return count


def _sizes(dims: Sequence[Dim]) -> list[int]:
    sizes = [dim for dim in dims if isinstance(dim, int)]
    if len(sizes) != len(dims):
        raise _Unknown
    return sizes


def _shape(operands: Types, index: int) -> tuple[Dim, ...]:
    held = operands[index] if index < len(operands) else None
    if held is None or held.shape is None:
        raise _Unknown
    return held.shape


def _result(node: Node) -> int:
    if not node.results:
        raise _Unknown
    return _elements(node.results[0])


def _given(operands: Types, index: int) -> bool:
    return index < len(operands) and operands[index] is not None


def _conv(node: Node, operands: Types) -> int:
    """Each result is a dot product with one filter ``[C/group, kernel...]``, and a bias."""
    made = _result(node)
    return made * (2 * math.prod(_sizes(_shape(operands, 1)[1:])) + _given(operands, 2))


def _conv_transpose(node: Node, operands: Types) -> int:
    """Each element read is multiplied into one filter ``[C_out/group, kernel...]``."""
    read = _elements(operands[0])
    products = 2 * read * math.prod(_sizes(_shape(operands, 1)[1:]))
    return products + (_result(node) if _given(operands, 2) else 0)


def _matmul(node: Node, operands: Types) -> int:
    return 2 * _result(node) * _sizes(_shape(operands, 0)[-1:])[0]


def _gemm(node: Node, operands: Types) -> int:
    axis = 0 if node.attributes.get("transA") else 1
    inner = _sizes(_shape(operands, 0)[axis : axis + 1])[0]
    return _result(node) * (2 * inner + _given(operands, 2))


def _einsum(node: Node, operands: Types) -> int:
    """Two operands: a multiply-add for each combination of all indices."""
    equation = str(node.attributes.get("equation", "")).replace(" ", "")
    terms = equation.split("->")[0].split(",")
    if "." in equation or len(terms) != len(operands):
        raise _Unknown
    sizes: dict[str, int] = {}
    for index, term in enumerate(terms):
        sizes.update(zip(term, _sizes(_shape(operands, index)), strict=True))
    return max(2 * (len(terms) - 1), 1) * math.prod(sizes.values())


def _attention(node: Node, operands: Types) -> int:
    """Q K^T, softmax and the weighted sum of V, for [batch, heads, length, size] or packed."""
    query, key = _sizes(_shape(operands, 0)), _sizes(_shape(operands, 1))
    packed = len(query) == 3
    heads = node.attributes.get("q_num_heads") if packed else query[1]
    if not isinstance(heads, int) or not heads:
        raise _Unknown
    past = _sizes(_shape(operands, 4))[2] if _given(operands, 4) else 0
    length, kept = query[-2], key[-2] + past
    depth = query[-1] // heads if packed else query[-1]
    value = _result(node) // (query[0] * heads * length) if query[0] * length else 0
    return query[0] * heads * length * kept * (2 * depth + 2 * value + 5)


def _per_element(count: int) -> Callable[[Node, Types], int]:
    return lambda node, operands: count * _elements(operands[0])


def _pool(node: Node, operands: Types) -> int:
    del operands
    kernel = node.attributes.get("kernel_shape", ())
    if not isinstance(kernel, tuple):
        raise _Unknown
    return _result(node) * math.prod(int(size) for size in kernel)  # type: ignore[arg-type]


def _recurrent(gates: int) -> Callable[[Node, Types], int]:
    """Each step multiplies input and state by ``[gates * hidden, ...]``; W is [D, gates*H, I]."""

    def rule(node: Node, operands: Types) -> int:
        del node
        steps, batch, _ = _sizes(_shape(operands, 0))
        directions, rows, inputs = _sizes(_shape(operands, 1))
        return 2 * steps * batch * directions * rows * (inputs + rows // gates)

    return rule


def _rotary(node: Node, operands: Types) -> int:
    """Each pair of elements is multiplied by a 2 x 2 rotation: 3 an element."""
    del node
    return 3 * _elements(operands[0])


def _many(node: Node, operands: Types) -> int:
    """An elementwise op of any number of operands: one less than there are, for each element."""
    return _result(node) * max(len(operands) - 1, 1)


_RULES: dict[str, Callable[[Node, Types], int]] = {
    "Conv": _conv,
    "ConvInteger": _conv,
    "DeformConv": _conv,
    "ConvTranspose": _conv_transpose,
    "MatMul": _matmul,
    "MatMulInteger": _matmul,
    "Gemm": _gemm,
    "Einsum": _einsum,
    "Attention": _attention,
    "RotaryEmbedding": _rotary,
    "BatchNormalization": _per_element(2),
    "InstanceNormalization": _per_element(5),
    "GroupNormalization": _per_element(5),
    "LayerNormalization": _per_element(5),
    "RMSNormalization": _per_element(4),
    "LpNormalization": _per_element(3),
    "MeanVarianceNormalization": _per_element(4),
    "LRN": _per_element(5),
    "Softmax": _per_element(5),
    "LogSoftmax": _per_element(5),
    "GlobalAveragePool": _per_element(1),
    "GlobalMaxPool": _per_element(1),
    "GlobalLpPool": _per_element(2),
    "MaxPool": _pool,
    "AveragePool": _pool,
    "LpPool": _pool,
    "LSTM": _recurrent(4),
    "GRU": _recurrent(3),
    "RNN": _recurrent(1),
    "Sum": _many,
    "Mean": _many,
    "Max": _many,
    "Min": _many,
    "CumSum": _per_element(1),
    "TopK": _per_element(1),
    "Dropout": _per_element(0),
    "Cast": _per_element(0),
    "CastLike": _per_element(0),
}


def _regions(node: Node) -> int | None:
    """A group is the sum of its body; an If the larger branch; how often a Loop runs is unknown."""
    counts = [graph_flops(body) for body in node.regions.values()]
    if node.op not in ("Region", "If") or None in counts:
        return None
    return max(count for count in counts if count is not None)


def _by_category(node: Node, operands: Types) -> int | None:
    known = facts(node.op, node.domain)
    if node.domain == OURS or known.category in _FREE:
        return 0
    if known.elementwise or known.category == "activation":
        return _result(node)
    if known.category == "reduce":
        return _elements(operands[0])
    if known.category in ("quantize", "random"):
        return _result(node)
    return None


_FREE = frozenset({"structural", "view", "move", "embed", "shape"})

_CONTRIBUTED: dict[str, Callable[[Node, Types], int]] = {
    "com.microsoft.FusedConv": _conv,
    "com.microsoft.nchwc.Conv": _conv,
    "com.microsoft.FusedGemm": _gemm,
    "com.microsoft.FusedMatMul": _matmul,
    "com.microsoft.MatMulNBits": _matmul,
}
"""ONNX Runtime's own ops that are an ONNX op and more: their main part is counted."""
