"""The one op table of TensorFlow: TF op type -> the row that writes it in ONNX's vocabulary."""

from __future__ import annotations

from graphlens.frontends.tf import (
    arrange,
    array,
    conv,
    grad,
    image,
    image_grad,
    index,
    lists,
    lookup,
    math,
    reduce,
    shape,
)
from graphlens.frontends.tf.call import Row

ROWS: dict[str, Row] = {
    **math.ROWS,
    **reduce.ROWS,
    **shape.ROWS,
    **index.ROWS,
    **arrange.ROWS,
    **conv.ROWS,
    **image.ROWS,
    **grad.ROWS,
    **image_grad.ROWS,
    **lists.ROWS,
    **array.ROWS,
    **lookup.ROWS,
}
"""Every row. An op that has none, or whose row returns ``()``, stays TF's own."""

TEXT_ROWS = lookup.TEXT_ROWS
"""Rows for ops that read texts, where those differ."""

_MOVING = (
    "Identity IdentityN StopGradient PlaceholderWithDefault EnsureShape Reshape ExpandDims Squeeze "
    "Transpose Concat ConcatV2 Pack Unpack Split SplitV Slice StridedSlice Gather GatherV2 "
    "GatherNd Tile Shape ShapeN Size Rank SelectV2 Select Fill BroadcastTo ReverseV2 Roll "
    "MirrorPad LookupTableFindV2 LookupTableSizeV2"
)
ANY_DTYPE = frozenset({*_MOVING.split(), *array.ROWS, *lists.ROWS})
"""Ops that move elements of any type; the others compute on numbers, and ONNX only on real ones."""


def is_number(dtype: str) -> bool:
    """Whether ONNX computes on that dtype (strings, complex and quantised types it only moves)."""
    return dtype.startswith(("float", "bfloat", "int", "uint", "bool"))
