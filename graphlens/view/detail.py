"""The attributes that matter of each op, in the words of papers: ``3×3, 64, /2``."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from graphlens.ir import Attribute, Node
from graphlens.ops.schema import defaults
from graphlens.view import words
from graphlens.view.constants import (
    arithmetic,
    array,
    attention,
    between,
    chosen,
    counted,
    integers,
    padded,
    shape,
    sliced,
)
from graphlens.view.operand import Operands


def detail(node: Node, reads: Operands) -> list[str]:
    """The attributes that matter, each in a word or two."""
    write = _WRITERS.get(node.op) if node.domain == "" else None
    said = write(node, reads) if write else _generic(node)
    if node.attributes.get("data_format") == "NHWC":
        said.append("NHWC")
    return said


def _same(values: Sequence[int]) -> str:
    """``'2'`` for (2, 2), ``'2×1'`` for (2, 1)."""
    return str(values[0]) if len(set(values)) == 1 else "×".join(map(str, values))


def _window(node: Node, step: str = "/") -> list[str]:
    strides, dilations = (integers(node.attributes.get(key)) for key in ("strides", "dilations"))
    return [
        step + _same(strides) if any(stride != 1 for stride in strides) else "",
        f"dilation {_same(dilations)}" if any(rate != 1 for rate in dilations) else "",
    ]


def _conv(node: Node, reads: Operands) -> list[str]:
    weight = shape(reads, 1)
    group = node.attributes.get("group", 1)
    if len(weight) < 3:
        return _window(node)
    up = node.op == "ConvTranspose"
    channels, inner = (weight[1], weight[0]) if up else (weight[0], weight[1])
    if up and isinstance(channels, int) and isinstance(group, int):
        channels *= group
    depthwise = group != 1 and (inner == 1 or (up and inner == group))
    shared = "" if group == 1 else "depthwise" if depthwise else f"{group} groups"
    return [words.dims(weight[2:]), str(channels), *_window(node, "up " if up else "/"), shared]


def _pool(node: Node, reads: Operands) -> list[str]:
    return [words.dims(integers(node.attributes.get("kernel_shape"))), *_window(node)]


def _matmul(node: Node, reads: Operands) -> list[str]:
    for index in (1, 0):
        read = reads[index] if index < len(reads) else None
        if read and read.role == "param" and read.held.rank == 2 and read.held.shape:
            turned = bool(node.attributes.get("transB" if index else "transA", 0)) != (index == 0)
            first, last = reversed(read.held.shape) if turned else read.held.shape
            return [f"{first} → {last}"]
    return []


def _gather(node: Node, reads: Operands) -> list[str]:
    table = reads[0] if reads else None
    if table and table.role == "param":
        return [words.dims(table.held.shape)]
    index, axis = array(reads, 1), node.attributes.get("axis", 0)
    if index is not None and index.size == 1:
        return [f"[{int(index.reshape(-1)[0])}]", f"axis {axis}"]
    return [f"axis {axis}"]


def _target(node: Node, reads: Operands) -> list[str]:
    return [f"→ {words.dims(node.results[0].shape)}"] if node.results else []


def _transpose(node: Node, reads: Operands) -> list[str]:
    perm = integers(node.attributes.get("perm"))
    return [" ".join(map(str, perm))] if perm else []


def _reduce(node: Node, reads: Operands) -> list[str]:
    axes = integers(node.attributes.get("axes")) or integers(array(reads, 1))
    return [f"over {', '.join(map(str, axes))}"] if axes else []


def _split(node: Node, reads: Operands) -> list[str]:
    return [f"in {len(node.results)}", f"axis {node.attributes.get('axis', 0)}"]


def _identity(node: Node, reads: Operands) -> list[str]:
    """What came to nothing: a dropout at rest, a cast to the type that is there."""
    parts = re.findall(r"[a-z_]+", node.source.op.lower())
    return [said for word, said in _CAME_TO_NOTHING.items() if word in parts][:1]


_CAME_TO_NOTHING = {
    "dropout": "dropout",
    "to": "cast",
    "_to_copy": "cast",
    "cast": "cast",
    "detach": "detach",
    "stopgradient": "stop gradient",
}


def _axis(node: Node, reads: Operands) -> list[str]:
    axis = node.attributes.get("axis")
    return [f"axis {axis}"] if axis is not None and axis != -1 else []


def _cast(node: Node, reads: Operands) -> list[str]:
    return [f"to {node.attributes.get('to', '?')}"]


_HIDDEN = frozenset(
    (
        *("pads", "auto_pad", "keepdims", "epsilon", "momentum", "training_mode", "data_format"),
        *("stash_type", "noop_with_empty_axes", "names", "kind", "perm", "axes", "allowzero"),
    )
)


def _generic(node: Node) -> list[str]:
    usual = defaults(node.op, node.domain)
    shown = [
        f"{key} {_plain(value)}"
        for key, value in node.attributes.items()
        if key not in _HIDDEN and value != usual.get(key) and value is not None
    ]
    return shown[:3]


def _plain(value: Attribute) -> str:
    if isinstance(value, float):
        return words.number(value)
    if isinstance(value, tuple):
        return " ".join(map(_plain, value[:6]))
    return str(value)


def _nothing(node: Node, reads: Operands) -> list[str]:
    return []


_TABLE: tuple[tuple[Callable[[Node, Operands], list[str]], str], ...] = (
    (_conv, "Conv ConvTranspose"),
    (_pool, "MaxPool AveragePool LpPool"),
    (_matmul, "MatMul Gemm"),
    (
        arithmetic,
        "Add Sub Mul Div Pow Mod Equal Less LessOrEqual Greater GreaterOrEqual Max Min And Or Xor",
    ),
    (_gather, "Gather"),
    (_target, "Reshape Expand Squeeze Unsqueeze Flatten Resize Tile"),
    (_transpose, "Transpose"),
    (
        _reduce,
        "ReduceMean ReduceSum ReduceMax ReduceMin ReduceProd ReduceL1 ReduceL2 ReduceLogSumExp "
        "ReduceSumSquare",
    ),
    (between, "Clip"),
    (sliced, "Slice"),
    (_split, "Split"),
    (_axis, "Softmax LogSoftmax Concat ArgMax ArgMin GatherElements"),
    (_cast, "Cast"),
    (attention, "Attention"),
    (chosen, "TopK"),
    (counted, "Range"),
    (padded, "Pad"),
    (_identity, "Identity"),
    (_nothing, "LayerNormalization BatchNormalization RMSNormalization Dropout"),
)
_WRITERS = {op: write for write, ops in _TABLE for op in ops.split()}
