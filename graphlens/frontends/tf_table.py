"""The one op table of TensorFlow: TF op type -> the row that writes it in ONNX's vocabulary."""

from __future__ import annotations

from graphlens.frontends import (
    tf_arrange,
    tf_array,
    tf_conv,
    tf_grad,
    tf_image,
    tf_image_grad,
    tf_index,
    tf_list,
    tf_lookup,
    tf_math,
    tf_reduce,
    tf_shape,
)
from graphlens.frontends.tf_call import Row

ROWS: dict[str, Row] = {
    **tf_math.ROWS,
    **tf_reduce.ROWS,
    **tf_shape.ROWS,
    **tf_index.ROWS,
    **tf_arrange.ROWS,
    **tf_conv.ROWS,
    **tf_image.ROWS,
    **tf_grad.ROWS,
    **tf_image_grad.ROWS,
    **tf_list.ROWS,
    **tf_array.ROWS,
    **tf_lookup.ROWS,
}
"""Every row. An op that has none, or whose row returns ``()``, stays TF's own."""

TEXT_ROWS = tf_lookup.TEXT_ROWS
"""Rows for ops that read texts, where those differ."""

_MOVING = (
    "Identity IdentityN StopGradient PlaceholderWithDefault EnsureShape Reshape ExpandDims Squeeze "
    "Transpose Concat ConcatV2 Pack Unpack Split SplitV Slice StridedSlice Gather GatherV2 "
    "GatherNd Tile Shape ShapeN Size Rank SelectV2 Select Fill BroadcastTo ReverseV2 Roll "
    "MirrorPad LookupTableFindV2 LookupTableSizeV2"
)
ANY_DTYPE = frozenset({*_MOVING.split(), *tf_array.ROWS, *tf_list.ROWS})
"""Ops that move elements of any type; the others compute on numbers, and ONNX only on real ones."""


def is_number(dtype: str) -> bool:
    """Whether ONNX computes on that dtype (strings, complex and quantised types it only moves)."""
    return dtype.startswith(("float", "bfloat", "int", "uint", "bool"))
