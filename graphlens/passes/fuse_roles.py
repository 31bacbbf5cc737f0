"""What part each op can play in a kernel that computes several ops at once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from graphlens.ir import Graph
from graphlens.ops import facts
from graphlens.tensor import TensorType

Extent = tuple[int, tuple[str, ...]]
"""Number of elements of a type: the product of its sizes, and its symbols in order."""


@dataclass(frozen=True, slots=True)
class Role:
    """The part of an op in a group.

    Attributes:
        part: ``'heavy'`` (a contraction; at most one a group), ``'row'`` (reads a whole row to
            make it, as Softmax), ``'reduce'`` (a row becomes one number), ``'window'`` (pooling),
            ``'light'`` (each element of the result by itself, from known places), ``'view'``, or
            ``''``: alone.
        family: The word by which `fuse` is told what to group: ``'conv'``, ``'matmul'`` ...
        cheap: Whether a light op may as well be computed again for every tile that reads it.
        moves: Whether a light op puts each element at another place, one to one.
        onto: Whether every element of operand 0 is used exactly once: what an epilogue may do.
        prologue: Operands whose making may be taken into the kernel.
    """

    part: str = ""
    family: str = ""
    cheap: bool = False
    moves: bool = False
    onto: bool = False
    prologue: tuple[int, ...] = ()


_ALONE = Role()
_MATMUL = Role("heavy", "matmul", prologue=(0, 1))
_ELEMENT = Role("light", "elementwise", onto=True)
_CHEAP = Role("light", "elementwise", cheap=True, onto=True)
_MOVE = Role("light", "elementwise", cheap=True, moves=True, onto=True)
_PICK = Role("light", "elementwise", cheap=True)

_ROLES: tuple[tuple[Role, str], ...] = (
    (Role("heavy", "conv"), "Conv ConvTranspose ConvInteger QLinearConv DeformConv"),
    (_MATMUL, "MatMul Gemm MatMulInteger QLinearMatMul"),
    (Role("heavy", "matmul"), "Einsum"),
    (Role("heavy", "attention", prologue=(0, 1, 2, 3)), "Attention"),
    (
        Role("row", "norm", prologue=(0,)),
        "LayerNormalization RMSNormalization InstanceNormalization GroupNormalization "
        "LpNormalization MeanVarianceNormalization",
    ),
    (Role("row", "softmax", prologue=(0,)), "Softmax LogSoftmax Hardmax"),
    (
        Role("reduce", "reduce", prologue=(0,)),
        "ReduceMean ReduceSum ReduceMax ReduceMin ReduceProd ReduceL1 ReduceL2 ReduceLogSum "
        "ReduceLogSumExp ReduceSumSquare ArgMax ArgMin",
    ),
    (
        Role("window", "pool", prologue=(0,)),
        "MaxPool AveragePool GlobalAveragePool GlobalMaxPool LpPool GlobalLpPool LRN",
    ),
    (_MOVE, "Transpose DepthToSpace SpaceToDepth"),
    (
        _PICK,
        "Slice Concat Split Expand Tile Pad Gather GatherElements GatherND Trilu Resize OneHot "
        "Range EyeLike ConstantOfShape",
    ),
    (Role("light", "elementwise"), "RotaryEmbedding"),
    (
        _CHEAP,
        "Add Sub Mul Div Neg Abs Relu LeakyRelu PRelu Clip HardSigmoid HardSwish Cast CastLike "
        "Min Max Where Not And Or Xor Equal Greater GreaterOrEqual Less LessOrEqual "
        "BatchNormalization Floor Ceil Round Sign Sum Mean",
    ),
)
_TABLE = {op: role for role, ops in _ROLES for op in ops.split()}

_VIEW = Role("view", "view", cheap=True, onto=True)
_POINTWISE = Role("heavy", "conv", prologue=(0,))

MOVES_ONLY = frozenset(
    word
    for words in ("Transpose Slice Split Expand Gather Cast", "Reshape Squeeze Unsqueeze Flatten")
    for word in words.split()
)
"""Ops that an attention kernel does for nothing while it reads its operands."""


def role(graph: Graph, name: str) -> Role:
    """The part that a node can play."""
    held = graph.nodes[name]
    if held["regions"] or held["domain"] or not held["results"]:
        return _ALONE
    if held["op"] == "Conv" and _is_pointwise(graph, name):
        return _POINTWISE
    many = len(held["results"]) > 1 and held["op"] != "Split"
    return _ALONE if many else _role(held["op"])


@cache
def _role(op: str) -> Role:
    known = facts(op)
    if known.view:
        return _VIEW
    if op in _TABLE:
        return _TABLE[op]
    return _ELEMENT if known.elementwise and op != "Dropout" else _ALONE


def _is_pointwise(graph: Graph, name: str) -> bool:
    """Whether a convolution is a matrix product: a 1x1 filter over one group, nothing padded."""
    held = graph.nodes[name]
    operands = graph.operands(name)
    if len(operands) < 2 or operands[1] is None or any(held["attributes"].get("pads", ())):
        return False
    shape = graph.type_of(operands[1]).shape
    return (
        shape is not None
        and all(size == 1 for size in shape[2:])
        and held["attributes"].get("group", 1) == 1
    )


def extent(held: TensorType) -> Extent | None:
    """The number of elements of a type in a form that can be compared, None if not known."""
    if held.shape is None or "?" in held.shape:
        return None
    size = 1
    for dim in held.shape:
        if isinstance(dim, int):
            size *= dim
    return size, tuple(sorted(dim for dim in held.shape if isinstance(dim, str)))


def rows(graph: Graph, name: str) -> tuple[Extent, tuple[int, ...]] | None:
    """What a row-wise op reads at once: the extent of operand 0, and the axes of one row.

    Two row-wise ops can share a kernel if these are equal. None where they are not known.
    """
    operands = graph.operands(name)
    source = operands[0] if operands else None
    if source is None:
        return None
    held = graph.type_of(source)
    size = extent(held)
    if size is None or held.shape is None:
        return None
    axes = _axes(graph, name, len(held.shape))
    return None if axes is None else (size, tuple(sorted(axis % len(held.shape) for axis in axes)))


def _axes(graph: Graph, name: str, rank: int) -> tuple[int, ...] | None:
    held = graph.nodes[name]
    given = held["attributes"]
    match held["op"]:
        case "Softmax" | "LogSoftmax" | "Hardmax":
            return (given.get("axis", -1),)
        case "LayerNormalization" | "RMSNormalization":
            return tuple(range(given.get("axis", -1) % max(rank, 1), rank))
        case op if op.startswith("Reduce") and given.get("keepdims", 1):
            operands = graph.operands(name)
            if len(operands) < 2:
                return tuple(range(rank))
            value = graph.value_of(operands[1])
            return None if value is None else tuple(int(axis) for axis in value.reshape(-1))
        case _:
            return None
