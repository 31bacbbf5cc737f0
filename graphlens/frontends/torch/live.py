"""Recording the aten calls of PyTorch code as a Graph while it really runs."""

from __future__ import annotations

from typing import Any

import torch

from graphlens.frontends.torch.below import Above, unrolled
from graphlens.frontends.torch.inputs import Arguments, returned
from graphlens.frontends.torch.record import Recorder
from graphlens.frontends.torch.roots import Roots
from graphlens.frontends.torch.scopes import user_line
from graphlens.frontends.torch.shadows import Shadows, is_sized_by_data
from graphlens.frontends.torch.signature import signature
from graphlens.frontends.torch.tensors import Tensors, same_storage
from graphlens.frontends.torch.translate import Translator
from graphlens.frontends.torch.types import type_of
from graphlens.frontends.torch.unseen import forget_sizes
from graphlens.frontends.torch.views import Ref
from graphlens.frontends.torch.writes import touched
from graphlens.ir.graph import Graph
from graphlens.ir.node import Source

PLACE = "graphlens_place"
"""The key of a backward node's metadata that holds the scope and line of its forward op."""


class Live(Above):
    """Does every aten call as it is, and translates it.

    Attributes:
        translator: What the calls are told to.
        scope: Paths of the modules that are running, innermost last.
        tensors: Which value of the graph each tensor is.
        made: What the forward op of a backward node returned, by the node's sequence number.
        shadows: Fake tensors beside those whose sizes depend on data.
    """

    def __init__(self, translator: Translator, roots: Roots, shadows: Shadows) -> None:
        """A recorder that writes into ``translator``."""
        super().__init__("real")
        self.translator = translator
        self.scope: list[str] = [""]
        self.tensors = Tensors(translator, roots.weights)
        self.made: dict[int, Ref] = {}
        self.shadows = shadows
        self._fake = Recorder(translator, {})
        self._behind: tuple[str, tuple[str, int]] = ("", ("", 0))
        self._backward: Any = None

    def inputs(self, given: Arguments) -> Any:
        """The arguments of the call, its tensors known as inputs of the graph."""
        for name, tensor in zip(given.names, given.tensors, strict=True):
            self.tensors.put(tensor, self.translator.input(name, type_of(tensor)), outside=True)
        return given.args, given.kwargs

    def ref_of(self, leaf: Any) -> Ref:
        """What a tensor or number that the model returned is in the graph."""
        if isinstance(leaf, torch.Tensor):
            return self.tensors.ref(leaf)
        return self.translator.const(torch.tensor(leaf))

    def output(self, result: Any) -> Graph:
        """The finished graph, returning what the run returned."""
        leaves, names = returned(result, others=True)
        graph = self.translator.output([self.ref_of(leaf) for leaf in leaves], names)
        return forget_sizes(graph)

    def call(self, func: Any, args: Any, kwargs: dict[str, Any]) -> Any:
        """Do a call and record it."""
        written = touched(func, args, kwargs)
        if written:
            self._refs(args), self._refs(kwargs)  # what is in them is from before the run
            self.tensors.save(written)
        with torch._C._DisablePythonDispatcher():
            result = func(*args, **kwargs)
        flat = list(result) if isinstance(result, list | tuple) else [result]
        some = any(isinstance(one, torch.Tensor) for one in flat)
        if some or (result is None and signature(func).written):
            self._record(func, args, kwargs, flat if some else [])
        return result

    def _record(self, func: Any, args: Any, kwargs: dict[str, Any], flat: list[Any]) -> None:
        translator = self.translator
        refs, words = self._refs(args), self._refs(kwargs)
        twins = self.shadows.of_call(func, args, kwargs, self.tensors.ref, flat)
        symbols = translator.symbols
        scope, line = self._place()
        translator.place(scope, Source("", *line))
        made = translator.call(
            func,
            refs,
            words,
            [symbols.type_of(one) for one in twins],
            lambda: bool(args) and same_storage(flat[0], args[0]),
            lambda: self._fake.replay(func, (refs, words), (args, kwargs)),
        )
        for one, twin, ref in zip(flat, twins, made, strict=False):
            self.tensors.put(one, ref)
            self.shadows.keep(ref, twin)
            if is_sized_by_data(twin):
                symbols.declare(ref.read(), twin)
            backward = getattr(one, "grad_fn", None)
            if backward is not None:
                backward.metadata[PLACE] = scope, line
                self.made[backward._sequence_nr()] = ref

    def _place(self) -> tuple[str, tuple[str, int]]:
        """Scope and line of a call; one of a backward pass has those of its forward op."""
        node = torch._C._current_autograd_node()
        if node is None:
            return self.scope[-1], user_line()
        if node is not self._backward:
            self._backward = node
            self._behind = node.metadata.get(PLACE, self._behind)
            self.translator.scopes.widen(self._behind[0])
        scope, line = self._behind
        return scope, line if line[1] else user_line()

    def _refs(self, one: Any) -> Any:
        if isinstance(one, torch.Tensor):
            return self.tensors.ref(one)
        if isinstance(one, dict):
            return {key: self._refs(part) for key, part in one.items()}
        if isinstance(one, list | tuple):
            return [self._refs(part) for part in one]
        return one


def taken(live: Live, op: Any, *args: Any, **kwargs: Any) -> Any:
    """Do a higher-order op, recording what its functions do: the branch that is taken."""
    if str(op) == "cond":
        condition, then, otherwise, operands = args
        return (then if condition else otherwise)(*operands)
    return unrolled(op, *args, **kwargs)
