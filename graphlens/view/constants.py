"""Attributes that come as constant operands, in words: ``+ 1``, ``0 … 6``, ``k 2``, ``causal``."""

from __future__ import annotations

import numpy as np

from graphlens.ir import Attribute, Node
from graphlens.passes.canonicalize_attention import seen_by
from graphlens.view import words
from graphlens.view.operand import Operand, Operands
from graphlens.view.shared import called

_SMALL = 16
"""Elements of a computed constant that is worked out to be said."""
_AXES = 2
"""Axes of a slice that are said one by one."""
_SIGNS: dict[str, str] = {
    "Add": "+",
    "Sub": "−",
    "Mul": "×",
    "Div": "÷",
    "Pow": "^",
    "Equal": "=",
    "Less": "<",
    "LessOrEqual": "≤",
    "Greater": ">",
    "GreaterOrEqual": "≥",
}
"""How an op of two operands is written; others by their names."""
_EITHER_WAY = frozenset({"Add", "Mul", "Equal", "Max", "Min", "And", "Or", "Xor"})


def operand(reads: Operands, index: int) -> Operand | None:
    """An operand, None where there is none."""
    return reads[index] if index < len(reads) else None


def shape(reads: Operands, index: int) -> tuple[object, ...]:
    """The shape of an operand; () where it is not known."""
    read = operand(reads, index)
    return (read.held.shape or ()) if read else ()


def array(reads: Operands, index: int) -> np.ndarray | None:
    """The value of an operand that is a constant; None for any other, and for a large one."""
    read = operand(reads, index)
    if read is None or read.role != "const":
        return None
    small = 0 < (read.held.elements or 0) <= _SMALL
    return read.work_out() if read.array is None and small else read.array


def integers(value: Attribute | np.ndarray | None) -> tuple[int, ...]:
    """Whole numbers, of an attribute or a constant."""
    if isinstance(value, np.ndarray):
        return tuple(int(item) for item in value.reshape(-1)[:8])
    if not isinstance(value, tuple):
        return ()
    return tuple(item for item in value if isinstance(item, int))


def _number(reads: Operands, index: int) -> str:
    """A constant of one element; '' for all else."""
    held = array(reads, index)
    if held is None or held.size != 1:
        return ""
    value = held.reshape(-1)[0].item()
    return words.number(value) if isinstance(value, int | float) else str(value)


def arithmetic(node: Node, reads: Operands) -> list[str]:
    """``'+ bias'``, ``'× 0.125'``, ``'1 − x'``, ``'≥ 0'``; of a Max just ``'0'``."""
    sign = _SIGNS.get(node.op, "")
    for index, read in enumerate(reads[:2]):
        if read is None or read.role == "value":
            continue
        if read.role == "param":
            word = called(read.name, node.scope)
        else:
            word = _number(reads, index) or ("constant" if sign else "")
        if index == 0 and node.op not in _EITHER_WAY:
            return [f"{word} {sign or node.op.lower()} x"] if word else []
        return [f"{sign} {word}".strip()]
    return []


def between(node: Node, reads: Operands) -> list[str]:
    """``'0 … 6'``, of a Clip."""
    low, high = _number(reads, 1), _number(reads, 2)
    return [f"{low} … {high}"] if low or high else []


def sliced(node: Node, reads: Operands) -> list[str]:
    """``'[1:], axis 2'``; ``'[0::2], axis 1'``."""
    starts, ends, axes, steps = (integers(array(reads, index)) for index in (1, 2, 3, 4))
    if not 0 < len(starts) <= _AXES or len(ends) != len(starts):
        return []
    steps = steps if len(steps) == len(starts) else (1,) * len(starts)
    ranges = "".join(map(_range, starts, ends, steps))
    return [ranges, f"axis {' '.join(map(str, axes))}" if axes else ""]


def _range(start: int, end: int, step: int) -> str:
    last = "" if abs(end) > 2**31 - 2 else str(end)
    return f"[{start}:{last}{f':{step}' if step != 1 else ''}]"


def chosen(node: Node, reads: Operands) -> list[str]:
    """``'k 2'``, of a TopK; ``'all 64'`` where it sorts."""
    least = "" if node.attributes.get("largest", 1) else "smallest"
    size = shape(reads, 0)
    axis = node.attributes.get("axis", -1)
    whole = size[axis] if isinstance(axis, int) and -len(size) <= axis < len(size) else None
    number = _number(reads, 1)
    if number and number == str(whole):
        return ["sort", "" if least else "descending"]
    return [f"k {number}" if number else "", least]


def counted(node: Node, reads: Operands) -> list[str]:
    """``'0 … 63'``, of a Range."""
    start, limit, step = (_number(reads, index) for index in range(3))
    return [f"{start} … {limit}", f"step {step}" if step not in ("1", "") else ""] if limit else []


def padded(node: Node, reads: Operands) -> list[str]:
    """``'1 + 1, axis 2'``: what a Pad adds before and after, for each axis where it does."""
    pads = array(reads, 1)
    mode = str(node.attributes.get("mode", "constant"))
    said = "" if mode == "constant" else mode
    if pads is None or pads.size % 2:
        return [said]
    axes = integers(array(reads, 3)) or tuple(range(pads.size // 2))
    both = list(zip(axes, *pads.reshape(2, -1).tolist(), strict=False))
    added = [(axis, before, after) for axis, before, after in both if before or after]
    if not 0 < len(added) <= _AXES:
        return [said]
    return [*(f"{before} + {after}, axis {axis}" for axis, before, after in added), said]


def attention(node: Node, reads: Operands) -> list[str]:
    """``'12 heads, causal'``."""
    heads = node.attributes.get("q_num_heads")
    query = shape(reads, 0)
    if heads is None and len(query) == 4:
        heads = query[1] if isinstance(query[1], int) else None
    causal = "causal" if node.attributes.get("is_causal") else ""
    return [f"{heads} heads" if heads else "", causal, _mask(node, operand(reads, 3))]


def _mask(node: Node, read: Operand | None) -> str:
    """What a mask hides; one that comes by an arrow is said by that."""
    if read is None or read.role == "value":
        return ""
    if read.role == "param":
        return f"+ {called(read.name, node.scope)}"
    held = read.work_out() if read.array is None else read.array
    seen = seen_by(held) if held is not None and held.ndim >= 2 else None
    if seen is None:
        return "mask"
    return "" if seen.all() else _band(seen)


def _band(seen: np.ndarray) -> str:
    """``'causal'`` if each query sees the keys up to its own, with a window if only the last."""
    queries, keys = seen.shape[-2:]
    past = keys - queries
    causal = np.tril(np.ones((queries, keys), bool), past)
    if np.array_equal(seen, np.broadcast_to(causal, seen.shape)):
        return "causal"
    window = int(seen.reshape(-1, queries, keys)[0, -1].sum())
    band = np.triu(causal, past - window + 1)
    same = window > 0 and np.array_equal(seen, np.broadcast_to(band, seen.shape))
    return f"causal, window {window}" if same else "mask"
