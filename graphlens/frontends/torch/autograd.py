"""The backward graph that torch keeps of a run, joined to the forward results that it holds."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Mapping
from typing import Any

import torch

from graphlens.errors import CaptureError
from graphlens.frontends.torch.eager import prepared, run
from graphlens.frontends.torch.inputs import returned
from graphlens.frontends.torch.live import PLACE, Live
from graphlens.frontends.torch.types import dtype_name, type_of
from graphlens.frontends.torch.views import Ref
from graphlens.ir.graph import Graph
from graphlens.ir.node import Attribute, Source, Value
from graphlens.tensor import TensorType

DOMAIN = "autograd"
"""The domain of the nodes that torch's autograd engine would run."""
_SAVED = "_saved_"
_LEAF = "AccumulateGrad"


def capture(
    model: Any,
    *inputs: Any,
    kwargs: Mapping[str, Any] | None = None,
    dynamic_shapes: Any = None,
) -> Graph:
    """Run a callable once, and capture what it did and what torch keeps to differentiate it.

    The graph holds the forward pass as ``'torch.eager'`` records it, an input for the gradient of
    each result, and the backward graph: a node of the domain ``'autograd'`` for every ``grad_fn``,
    named as torch names it (``ConvolutionBackward0``). Its operands are the gradients that reach
    it, then the forward values that it keeps alive; the attribute ``saved`` names those,
    ``held`` is their size in bytes, weights and inputs apart. ``graph.graph['held']`` is the size
    of all memory that is kept from the forward pass until the backward pass, each byte once.
    What a forward op keeps that is none of its results (a batch norm's statistics) is a node
    ``Saved``. The gradients of weights and inputs are outputs ``grad.NAME``.

    Args:
        model: A module, or any other callable; it is run with gradients on.
        inputs: Tensors, numpy arrays, TensorTypes or anything else that the callable takes; those
            that require a gradient get one.
        kwargs: More of them by name.
        dynamic_shapes: Not taken: a run has the shapes of its inputs.

    Raises:
        CaptureError: If the callable raises, or nothing that it returns has a gradient.
        UsageError: If dynamic shapes are given.
    """
    given = prepared(model, inputs, kwargs, dynamic_shapes)
    with torch.enable_grad():
        live, result = run(model, given, "torch.autograd")
    leaves, names = returned(result, others=True)
    names = names or [str(index) for index in range(len(leaves))]
    outputs = dict(zip(names, leaves, strict=True))
    gradients = _Backward(live).read(outputs)
    refs = [live.ref_of(one) for one in leaves]
    return live.translator.output(
        [*refs, *gradients.values()], [*names, *(f"grad.{name}" for name in gradients)]
    )


class _Backward:
    """Reads the backward graph node by node, in the order in which the engine would run it."""

    def __init__(self, live: Live) -> None:
        self._live = live
        self._build = live.translator.build
        self._graph = live.translator.graph
        self._arriving: dict[Any, dict[int, list[Value]]] = {}
        self._place: dict[Any, Any] = {}
        self._forward: dict[Any, Ref | None] = {}
        self._kept: dict[int, int] = {}
        self._hidden: dict[Any, Value] = {}
        self._gradients: dict[str, Ref] = {}

    def read(self, outputs: Mapping[str, Any]) -> dict[str, Ref]:
        """Add the backward graph of some results.

        Returns:
            The gradient of each weight and input that has one, by its name.
        """
        roots = {
            name: one
            for name, one in outputs.items()
            if isinstance(one, torch.Tensor) and one.grad_fn is not None
        }
        if not roots:
            raise CaptureError(
                "nothing that the model returned has a gradient: none of its weights or inputs "
                "requires one, or it was run under torch.no_grad"
            )
        self._build.scope, self._build.source = "", Source()
        for name, one in roots.items():
            seed = self._live.translator.input(f"grad.{name}", type_of(one))
            self._send(one.grad_fn, one.output_nr, seed.read())
        for node in _in_order([one.grad_fn for one in roots.values()]):
            self._node(node)
        self._graph.graph["held"] = sum(self._kept.values())
        return self._gradients

    def _send(self, node: Any, index: int, value: Value) -> None:
        self._arriving.setdefault(node, {}).setdefault(index, []).append(value)

    def _node(self, node: Any) -> None:
        scope, line = self._located(node)
        name = node.name().rpartition("::")[2]
        self._build.scope, self._build.source = scope, Source(node.name(), *line)
        self._live.translator.scopes.widen(scope)
        arriving = self._arriving.get(node, {})
        incoming = [self._sum(arriving.get(i, ())) for i in range(len(node._input_metadata))]
        if name == _LEAF:
            self._leaf(node.variable, incoming[0])
            return
        saved = self._saved(node)
        edges = [(other, index) for other, index in node.next_functions if other is not None]
        first = self._build.op(
            name,
            *incoming,
            *(value for _, value, _ in saved),
            results=[_type(other, index) for other, index in edges],
            domain=DOMAIN,
            name=self._live.translator.scopes.name(scope, name),
            saved=tuple(key for key, _, _ in saved) or None,
            held=sum(size for _, _, size in saved) or None,
            **_settings(node),
        )
        for result, (other, index) in enumerate(edges):
            self._send(other, index, Value(first.node, result))
            self._place.setdefault(other, (scope, line))
            self._forward.setdefault(other, self._made(node))

    def _located(self, node: Any) -> tuple[str, tuple[str, int]]:
        """The scope and line of the forward op; an op inside it has those of the whole."""
        return node.metadata.get(PLACE) or self._place.get(node, ("", ("", 0)))

    def _made(self, node: Any) -> Ref | None:
        """What the forward op returned."""
        return self._live.made.get(node._sequence_nr()) or self._forward.get(node)

    def _sum(self, values: Any) -> Value | None:
        """The gradient of a value that was used more than once is the sum of what comes back."""
        if len(values) < 2:
            return values[0] if values else None
        return self._build.op(
            "Sum", *values, results=[self._build.type_of(values[0])], name="accumulate"
        )

    def _leaf(self, variable: torch.Tensor, gradient: Value | None) -> None:
        if gradient is None:
            return
        leaf = self._live.tensors.ref(variable).read()
        name = self._build.op(
            _LEAF,
            gradient,
            results=[type_of(variable)],
            domain=DOMAIN,
            name=f"grad.{leaf.node}",
        )
        self._gradients[leaf.node] = Ref(name)

    def _saved(self, node: Any) -> list[tuple[str, Value, int]]:
        """What a node keeps: name, value of the forward graph, bytes that are kept for it."""
        found: list[tuple[str, Value, int]] = []
        for name, tensor in _tensors(node):
            value = self._live.tensors.known(tensor)
            held = value.read() if value is not None else self._unseen(node, name, tensor)
            found.append((name, held, self._size(tensor)))
        return found

    def _unseen(self, node: Any, name: str, tensor: torch.Tensor) -> Value:
        """A tensor that the forward op kept, and did not return."""
        made = self._made(node)
        key = tensor.untyped_storage()._cdata
        if key not in self._hidden:
            self._hidden[key] = self._build.op(
                "Saved",
                *([made.read()] if made is not None else []),
                results=[type_of(tensor)],
                domain=DOMAIN,
                name=f"{self._live.translator.scopes.name(self._build.scope, name)}",
                result=name,
            )
        return self._hidden[key]

    def _size(self, tensor: torch.Tensor) -> int:
        """The bytes of the memory that a saved tensor keeps; none for weights and inputs."""
        if self._live.tensors.is_outside(tensor):
            return 0
        storage = tensor.untyped_storage()
        self._kept[storage._cdata] = storage.nbytes()
        return storage.nbytes()


def _in_order(roots: list[Any]) -> list[Any]:
    """Every node after those that send to it, the latest forward op first, as the engine does."""
    waiting: dict[Any, int] = {}
    stack = list(dict.fromkeys(roots))
    seen = set(stack)
    while stack:
        for other, _ in stack.pop().next_functions:
            if other is not None:
                waiting[other] = waiting.get(other, 0) + 1
                if other not in seen:
                    seen.add(other)
                    stack.append(other)
    number = itertools.count()
    first = [one for one in dict.fromkeys(roots) if not waiting.get(one)]
    ready = [(_rank(one), next(number), one) for one in first]
    heapq.heapify(ready)
    found: list[Any] = []
    while ready:
        node = heapq.heappop(ready)[2]
        found.append(node)
        for other, _ in node.next_functions:
            if other is not None:
                waiting[other] -= 1
                if not waiting[other]:
                    heapq.heappush(ready, (_rank(other), next(number), other))
    return found


def _rank(node: Any) -> int:
    return -(2**63) if node.name().endswith(_LEAF) else -node._sequence_nr()


def _type(node: Any, index: int) -> TensorType:
    """The type of a gradient: that of the forward value that it belongs to."""
    held = node._input_metadata[index]
    return TensorType(dtype_name(held.dtype), tuple(int(size) for size in held.shape))


def _tensors(node: Any) -> list[tuple[str, torch.Tensor]]:
    """The tensors that a node keeps, by name."""
    pairs = [(name.removeprefix(_SAVED), _read(node, name)) for name in _names(node)]
    if not pairs and hasattr(node, "saved_tensors"):
        pairs = [("saved_tensors", node.saved_tensors)]
    found: list[tuple[str, torch.Tensor]] = []
    for name, held in pairs:
        if isinstance(held, torch.Tensor):
            found.append((name, held))
        elif isinstance(held, list | tuple):
            parts = enumerate(held)
            found += [(f"{name}[{i}]", one) for i, one in parts if isinstance(one, torch.Tensor)]
    return found


def _names(node: Any) -> list[str]:
    return sorted(name for name in dir(node) if name.startswith(_SAVED))


def _read(node: Any, name: str) -> Any:
    try:
        return getattr(node, name)
    except RuntimeError as error:
        raise CaptureError(
            f"{node.name()} cannot be differentiated: {str(error).partition(';')[0]}"
        ) from error


def _settings(node: Any) -> dict[str, Attribute]:
    """What a node keeps that is no tensor: axes, sizes, flags."""
    found: dict[str, Attribute] = {}
    for name in _names(node):
        held = _read(node, name)
        if isinstance(held, bool | int | float | str):
            found[name.removeprefix(_SAVED)] = held
        elif isinstance(held, list | tuple) and all(isinstance(one, int) for one in held):
            found[name.removeprefix(_SAVED)] = tuple(held)
    return found
