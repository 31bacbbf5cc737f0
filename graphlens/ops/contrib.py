"""Result types of ONNX Runtime's own ops: what its optimiser writes, and quantised models hold.

They are documented in ContribOperators.md of microsoft/onnxruntime; those of blocked layouts
(``com.microsoft.nchwc``) in onnxruntime/core/graph/contrib_ops/nchwc_schema_defs.cc: their shapes
are those of the plain layout, channels rounded up to the processor's block.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from graphlens.ir.node import Node
from graphlens.ops.quick import broadcast
from graphlens.ops.schema import schema
from graphlens.tensor import Dim, TensorType

MICROSOFT, BLOCKED = "com.microsoft", "com.microsoft.nchwc"

Types = Sequence[TensorType | None]
Infer = Callable[[Node, Types], tuple[TensorType, ...]]
"""Inference of an ONNX node."""

_Rule = Callable[[Node, Types, Infer], tuple[TensorType, ...]]


def contributed(node: Node, operands: Types, infer: Infer) -> tuple[TensorType, ...]:
    """The types of a node's first results, ``()`` where nothing is known."""
    table = {MICROSOFT: _MICROSOFT, BLOCKED: _BLOCKED}.get(node.domain, {})
    rule = table.get(node.op)
    if rule is None:
        return ()
    try:
        return rule(node, operands, infer)
    except (IndexError, TypeError):
        return ()  # a stranger's node may lack operands


def _held(operands: Types, index: int) -> TensorType:
    held = operands[index]
    if held is None or held.shape is None:
        raise IndexError(index)
    return held


def _as(op: str, *places: int, dtype: str = "") -> _Rule:
    """As an ONNX op of fewer attributes, on the operands at these places (all if none).

    One on quantised numbers is looked at as if on float32, and gives ``dtype``.
    """

    def rule(node: Node, operands: Types, infer: Infer) -> tuple[TensorType, ...]:
        known = schema(op)
        kept = {} if known is None else known.attributes
        attributes = {key: value for key, value in node.attributes.items() if key in kept}
        given = [operands[place] for place in places] if places else operands
        if dtype:
            given = [None if each is None else each.with_dtype("float32") for each in given]
        made = infer(replace(node, op=op, domain="", attributes=attributes), given)
        return (made[0].with_dtype(dtype),) if dtype else made

    return rule


def _as_quantized(op: str) -> _Rule:
    """As an ONNX op on operand 0, of whose dtype the result is; channels may be last."""

    def rule(node: Node, operands: Types, infer: Infer) -> tuple[TensorType, ...]:
        if node.attributes.get("channels_last"):
            raise TypeError("channels_last")
        return _as(op, 0, dtype=_held(operands, 0).dtype)(node, operands, infer)

    return rule


def _like(place: int = 0) -> _Rule:
    """The type of an operand."""
    return lambda node, operands, infer: (_held(operands, place),)


def _broadcast(*places: int) -> _Rule:
    def rule(node: Node, operands: Types, infer: Infer) -> tuple[TensorType, ...]:
        held = [_held(operands, place) for place in places]
        shape = broadcast([each.shape or () for each in held])
        return (held[0].with_shape(shape),)

    return rule


def _quantized(to: str, place: int) -> _Rule:
    """The shape of operand 0; the dtype of another operand, or of what it is multiplied with."""

    def rule(node: Node, operands: Types, infer: Infer) -> tuple[TensorType, ...]:
        other = operands[place] if place < len(operands) else None
        return (_held(operands, 0).with_dtype(to if other is None else other.dtype),)

    return rule


def _fused_matmul(node: Node, operands: Types, infer: Infer) -> tuple[TensorType, ...]:
    factors: list[TensorType] = []
    for index, name in enumerate(("transA", "transB")):
        held = _held(operands, index)
        shape = held.shape or ()
        if node.attributes.get(name) and len(shape) > 1:
            shape = (*shape[:-2], shape[-1], shape[-2])
        factors.append(held.with_shape(shape))
    return infer(Node("MatMul", results=node.results), factors)


def _ending(name: str) -> _Rule:
    """Operand 0 with the last axis that an attribute says."""

    def rule(node: Node, operands: Types, infer: Infer) -> tuple[TensorType, ...]:
        held, size = _held(operands, 0), node.attributes[name]
        if not isinstance(size, int):
            raise TypeError(name)
        return (held.with_shape((*(held.shape or ())[:-1], size)),)

    return rule


def _attention(node: Node, operands: Types, infer: Infer) -> tuple[TensorType, ...]:
    """[batch, length, hidden]: the bias has those of query, key and value, one after another."""
    held, bias = _held(operands, 0), _held(operands, 2)
    sizes = node.attributes.get("qkv_hidden_sizes")
    size: Dim = "?"
    if isinstance(sizes, tuple) and len(sizes) == 3 and isinstance(sizes[2], int):
        size = sizes[2]
    elif bias.shape and isinstance(bias.shape[0], int):
        size = bias.shape[0] // 3
    return (held.with_shape((*(held.shape or ())[:-1], size)),)


def _heads(node: Node, operands: Types, infer: Infer) -> tuple[TensorType, ...]:
    """[batch, length, hidden], where keys and values are not packed into the query."""
    query = _held(operands, 0)
    if len(operands) < 3 or operands[1] is None or query.rank != 3:
        raise IndexError(1)
    return (query,)


def _embedding(node: Node, operands: Types, infer: Infer) -> tuple[TensorType, ...]:
    tokens, table = _held(operands, 0), _held(operands, 2)
    shape = tokens.shape or ()
    return (
        TensorType(table.dtype, (*shape, (table.shape or ("?",))[-1])),
        TensorType("int32", shape[:1]),
    )


def _reordered(node: Node, operands: Types, infer: Infer) -> tuple[TensorType, ...]:
    """Out of the blocked layout: the channels that were there before they were rounded up."""
    held, count = _held(operands, 0), node.attributes.get("channels")
    batch, *rest = held.shape or ("?",)
    channels = [count if isinstance(count, int) else rest[0]]
    last = rest[1:] + channels if node.attributes.get("channels_last") else channels + rest[1:]
    return (held.with_shape((batch, *last)),)


def _first(rule: _Rule) -> _Rule:
    """The first result only: the others are caches and statistics that nobody asks for."""
    return lambda node, operands, infer: rule(node, operands, infer)[:1]


_SAME = (
    "Gelu FastGelu QuickGelu BiasGelu BiasSoftmax BiasAdd SkipLayerNormalization NhwcGroupNorm "
    "SkipSimplifiedLayerNormalization RotaryEmbedding GemmaRotaryEmbedding QLinearSigmoid "
    "QLinearLeakyRelu QLinearSoftmax Inverse GroupNorm Trilu"
)
_MICROSOFT: dict[str, _Rule] = {
    **{op: _like() for op in _SAME.split()},
    "FusedConv": _as("Conv", 0, 1),
    "FusedGemm": _as("Gemm"),
    "FusedMatMul": _fused_matmul,
    "TransposeMatMul": _fused_matmul,
    "FusedMatMulActivation": _fused_matmul,
    "QLinearAdd": _broadcast(0, 3),
    "QLinearMul": _broadcast(0, 3),
    "QLinearAveragePool": _as_quantized("AveragePool"),
    "QLinearGlobalAveragePool": _as_quantized("GlobalAveragePool"),
    "QuantizeLinear": _quantized("uint8", 2),
    "DequantizeLinear": _quantized("float32", 1),
    "DynamicQuantizeMatMul": _as("MatMul", 0, 1, dtype="float32"),
    "MatMulIntegerToFloat": _as("MatMul", 0, 1, dtype="float32"),
    "MatMulNBits": _ending("N"),
    "MatMulBnb4": _ending("N"),
    "Attention": _attention,
    "DecoderMaskedSelfAttention": _attention,
    "MultiHeadAttention": _heads,
    "GroupQueryAttention": _heads,
    "EmbedLayerNormalization": _embedding,
}
_BLOCKED: dict[str, _Rule] = {
    "Conv": _as("Conv", 0, 1),
    "MaxPool": _first(_as("MaxPool")),
    "AveragePool": _as("AveragePool"),
    "GlobalMaxPool": _as("GlobalMaxPool"),
    "GlobalAveragePool": _as("GlobalAveragePool"),
    "ReorderInput": _like(),
    "ReorderOutput": _reordered,
}
