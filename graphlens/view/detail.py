"""The attributes that matter of each op, in the words of papers: ``3×3, 64, /2``."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from graphlens.ir import Attribute, Node
from graphlens.ops.schema import defaults
from graphlens.view import words
from graphlens.view.operand import Operands


def detail(node: Node, reads: Operands) -> list[str]:
    """The attributes that matter, each in a word or two."""
    write = _WRITERS.get(node.op) if node.domain == "" else None
    said = write(node, reads) if write else _generic(node)
    if node.attributes.get("data_format") == "NHWC":
        said.append("NHWC")
    return said


def _shape(reads: Operands, index: int) -> tuple[object, ...]:
    read = reads[index] if index < len(reads) else None
    return (read.held.shape or ()) if read else ()


def _array(reads: Operands, index: int) -> np.ndarray | None:
    read = reads[index] if index < len(reads) else None
    return read.array if read and read.role == "const" else None


def _ints(value: Attribute | np.ndarray | None) -> tuple[int, ...]:
    if isinstance(value, np.ndarray):
        return tuple(int(item) for item in value.reshape(-1)[:8])
    if not isinstance(value, tuple):
        return ()
    return tuple(item for item in value if isinstance(item, int))


def _same(values: Sequence[int]) -> str:
    """``'2'`` for (2, 2), ``'2×1'`` for (2, 1)."""
    return str(values[0]) if len(set(values)) == 1 else "×".join(map(str, values))


def _window(node: Node, step: str = "/") -> list[str]:
    strides, dilations = (_ints(node.attributes.get(key)) for key in ("strides", "dilations"))
    return [
        step + _same(strides) if any(stride != 1 for stride in strides) else "",
        f"dilation {_same(dilations)}" if any(rate != 1 for rate in dilations) else "",
    ]


def _conv(node: Node, reads: Operands) -> list[str]:
    weight = _shape(reads, 1)
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
    return [words.dims(_ints(node.attributes.get("kernel_shape"))), *_window(node)]


def _matmul(node: Node, reads: Operands) -> list[str]:
    for index in (1, 0):
        read = reads[index] if index < len(reads) else None
        if read and read.role == "param" and read.held.rank == 2 and read.held.shape:
            turned = bool(node.attributes.get("transB" if index else "transA", 0)) != (index == 0)
            first, last = reversed(read.held.shape) if turned else read.held.shape
            return [f"{first} → {last}"]
    return []


_SIGNS = {"Add": "+", "Sub": "−", "Mul": "×", "Div": "÷", "Pow": "^"}


def _arithmetic(node: Node, reads: Operands) -> list[str]:
    sign = _SIGNS.get(node.op, "")
    for index, read in enumerate(reads[:2]):
        if read is None or read.role == "value":
            continue
        if read.array is not None and read.array.size == 1 and read.role == "const":
            word = _scalar(read.array)
        else:
            word = read.name.rpartition(".")[2] if read.role == "param" else "constant"
        return [
            f"{word} {sign} x"
            if index == 0 and node.op in ("Sub", "Div", "Pow")
            else f"{sign} {word}"
        ]
    return []


def _scalar(array: np.ndarray) -> str:
    value = array.reshape(-1)[0].item()
    return words.number(value) if isinstance(value, int | float) else str(value)


def _gather(node: Node, reads: Operands) -> list[str]:
    table = reads[0] if reads else None
    if table and table.role == "param":
        return [words.dims(table.held.shape)]
    index, axis = _array(reads, 1), node.attributes.get("axis", 0)
    if index is not None and index.size == 1:
        return [f"[{int(index.reshape(-1)[0])}]", f"axis {axis}"]
    return [f"axis {axis}"]


def _target(node: Node, reads: Operands) -> list[str]:
    return [f"→ {words.dims(node.results[0].shape)}"] if node.results else []


def _transpose(node: Node, reads: Operands) -> list[str]:
    perm = _ints(node.attributes.get("perm"))
    return [" ".join(map(str, perm))] if perm else []


def _reduce(node: Node, reads: Operands) -> list[str]:
    axes = _ints(node.attributes.get("axes")) or _ints(_array(reads, 1))
    return [f"over {', '.join(map(str, axes))}"] if axes else []


def _clip(node: Node, reads: Operands) -> list[str]:
    held = [_array(reads, 1), _array(reads, 2)]
    low, high = (_scalar(array) if array is not None and array.size == 1 else "" for array in held)
    return [f"{low} … {high}"] if low or high else []


def _slice(node: Node, reads: Operands) -> list[str]:
    starts, ends, axes = (_ints(_array(reads, index)) for index in (1, 2, 3))
    if len(starts) != 1 or len(ends) != 1:
        return []
    stop = "" if abs(ends[0]) > 2**31 - 2 else str(ends[0])
    return [f"[{starts[0]}:{stop}]", f"axis {axes[0]}" if axes else ""]


def _split(node: Node, reads: Operands) -> list[str]:
    return [f"in {len(node.results)}", f"axis {node.attributes.get('axis', 0)}"]


def _axis(node: Node, reads: Operands) -> list[str]:
    axis = node.attributes.get("axis")
    return [f"axis {axis}"] if axis is not None and axis != -1 else []


def _cast(node: Node, reads: Operands) -> list[str]:
    return [f"to {node.attributes.get('to', '?')}"]


def _attention(node: Node, reads: Operands) -> list[str]:
    heads = node.attributes.get("q_num_heads")
    query = _shape(reads, 0)
    if heads is None and len(query) == 4:
        heads = query[1] if isinstance(query[1], int) else None
    return [f"{heads} heads" if heads else "", "causal" if node.attributes.get("is_causal") else ""]


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
    (_arithmetic, "Add Sub Mul Div Pow"),
    (_gather, "Gather"),
    (_target, "Reshape Expand Squeeze Unsqueeze Flatten Resize Tile"),
    (_transpose, "Transpose"),
    (
        _reduce,
        "ReduceMean ReduceSum ReduceMax ReduceMin ReduceProd ReduceL1 ReduceL2 ReduceLogSumExp "
        "ReduceSumSquare",
    ),
    (_clip, "Clip"),
    (_slice, "Slice"),
    (_split, "Split"),
    (_axis, "Softmax LogSoftmax Concat ArgMax ArgMin GatherElements"),
    (_cast, "Cast"),
    (_attention, "Attention"),
    (_nothing, "LayerNormalization BatchNormalization RMSNormalization Dropout"),
)
_WRITERS = {op: write for write, ops in _TABLE for op in ops.split()}
