"""Rows of complex tensors: moves and sums, which leave the axis of the pairs where it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from graphlens.frontends.torch.aten.reduce import reduced
from graphlens.frontends.torch.call import TABLE
from graphlens.frontends.torch.complex import COMPLEX, PairCall, crow
from graphlens.ir.node import Value


@crow("view", "reshape", "flatten", "unflatten", "unsqueeze", "squeeze", "ravel", "_unsafe_view")
@crow("atleast_1d", "atleast_2d", "atleast_3d", "view_as", "reshape_as", "_reshape_alias")
def _view(call: PairCall, x: Value, *_: Any) -> Value:
    if call.op == "view.dtype" or not isinstance(x, Value) or not call.is_pair(x):
        return NotImplemented
    return call.reshaped(x)


def _dims(*places: int) -> Callable[..., Any]:
    """A row that is the real one on pairs, its dims counted from the front."""

    def write(call: PairCall, x: Value, *rest: Any) -> Any:
        held = list(rest)
        if not call.depth(x):
            return NotImplemented
        for place in places:
            if place < len(held) and held[place] is not None:
                dims = held[place]
                one = isinstance(dims, int)
                held[place] = call.at(x, dims) if one else call.all_at(x, dims)
        return TABLE[call.op.partition(".")[0]](call, x, *held)

    return write


for _name, _places in {
    "transpose": (0, 1), "swapaxes": (0, 1), "swapdims": (0, 1),
    "select": (0,), "slice": (0,), "narrow": (0,), "unbind": (0,), "index_select": (0,),
    "chunk": (1,), "tensor_split": (1,), "split_with_sizes": (1,), "cumsum": (0,), "index": (),
}.items():  # fmt: skip
    COMPLEX[_name] = _dims(*_places)


@crow("split.Tensor", "split.sizes")
def _split(call: PairCall, x: Value, sizes: Any, dim: int = 0) -> Any:
    return TABLE[call.op](call, x, sizes, call.at(x, dim))


@crow("permute")
def _permute(call: PairCall, x: Value, dims: Sequence[int]) -> Value:
    return TABLE["permute"](call, x, [*call.all_at(x, dims), call.depth(x)])


@crow("t", "numpy_T", "mT", "mH", "adjoint", "matrix_H")
def _t(call: PairCall, x: Value) -> Value:
    rank = call.depth(x)
    order = list(range(rank))
    if call.op in ("t", "numpy_T"):
        order.reverse()
    elif rank > 1:
        order[-2:] = order[:-3:-1]
    held = call.conjugated(x) if call.op in ("mH", "adjoint", "matrix_H") else x
    return call.emit("Transpose", held, perm=(*order, rank))


@crow("movedim", "moveaxis")
def _movedim(call: PairCall, x: Value, source: Any, target: Any) -> Value:
    return TABLE["movedim"](call, x, call.all_at(x, source), call.all_at(x, target))


@crow("expand", "broadcast_to")
def _expand(call: PairCall, x: Value, size: Sequence[Any], *_: Any) -> Value:
    return TABLE["expand"](call, x, [*size, -1])


@crow("expand_as")
def _expand_as(call: PairCall, x: Value, _: Value) -> Value:
    return call.emit("Expand", x, call.ints(call.out.shape or ()))


@crow("repeat", "tile")
def _repeat(call: PairCall, x: Value, repeats: Sequence[Any]) -> Value:
    return TABLE["repeat"](call, x, [*repeats, 1])


@crow("flip")
def _flip(call: PairCall, x: Value, dims: Sequence[int]) -> Value:
    return TABLE["flip"](call, x, call.all_at(x, dims) if dims else [])


@crow("roll")
def _roll(call: PairCall, x: Value, shifts: Any, dims: Any = ()) -> Value:
    return TABLE["roll"](call, x, shifts, call.all_at(x, dims)) if dims else NotImplemented


@crow("cat", "concat", "concatenate", "stack")
def _cat(call: PairCall, tensors: Sequence[Value], dim: int = 0) -> Value:
    parts = [call.pair(one, call.out.dtype) for one in tensors]
    rank = len(call.out.shape or ()) - 1
    return TABLE[call.op.partition(".")[0]](call, parts, dim % max(rank, 1))


@crow("constant_pad_nd", "pad")
def _pad(call: PairCall, x: Value, pad: Sequence[int], mode: Any = 0, value: Any = 0) -> Value:
    if mode not in (0, "constant") or value:
        return NotImplemented
    return TABLE["constant_pad_nd"](call, x, [0, 0, *pad], 0)


@crow("sum", "mean")
def _sum(call: PairCall, x: Value, dims: Any = None, keepdim: Any = False, _: Any = None) -> Value:
    if not call.is_pair(x) or (call.op.startswith("mean") and call.type(x).elements == 0):
        return NotImplemented
    dims, keepdim = (dims, keepdim) if "." in call.op else (None, False)
    op = "ReduceSum" if call.op.startswith("sum") else "ReduceMean"
    axes = call.all_at(x, dims)
    return reduced(call, op, call.cast(x, call.out.dtype), axes, keepdim) if axes else call.same(x)
