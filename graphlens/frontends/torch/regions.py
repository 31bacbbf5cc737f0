"""Control flow that depends on data: bodies recorded as regions of If and Loop nodes."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch._subclasses.fake_tensor import FakeTensor

from graphlens.errors import CaptureError
from graphlens.frontends.torch.dynamic import Symbolic
from graphlens.frontends.torch.record import Recorder
from graphlens.frontends.torch.translate import Translator
from graphlens.frontends.torch.types import type_of
from graphlens.frontends.torch.values import UNSET, as_number, leaves_of, rebuilt
from graphlens.frontends.torch.views import Ref
from graphlens.ir.graph import Graph
from graphlens.ir.node import Value

Body = Callable[..., Any]


class ScriptRaiseError(CaptureError):
    """The script raises on these inputs."""


@dataclass(slots=True)
class _Captured:
    """A value from outside that a body reads: its Ref there and in the body, its first value."""

    outer: Ref
    inner: Ref
    start: Value


@dataclass(slots=True)
class _Frame:
    """One body under construction."""

    translator: Translator
    captured: dict[int, _Captured] = field(default_factory=dict)
    results: list[Any] = field(default_factory=list)
    shape: Any = None


class ScriptRecorder(Recorder):
    """A recorder that can record bodies: what they read from outside becomes their inputs."""

    def __init__(
        self,
        translator: Translator,
        weights: Mapping[str, torch.Tensor],
        symbolic: Symbolic | None = None,
    ) -> None:
        """A recorder that writes into ``translator``; ``weights`` by qualified name."""
        self._frames = [_Frame(translator)]
        super().__init__(translator, weights, symbolic=symbolic)

    # -- values of other graphs -----------------------------------------------------------------

    def _keep(self, place: Any, ref: Ref) -> None:
        home = getattr(place, "graphlens_home", self.translator)
        if home is not self.translator and self._is_open(home):
            return  # an op in place gives the outer tensor that it was given
        super()._keep(place, ref)
        place.graphlens_home = self.translator

    def _ref(self, tensor: torch.Tensor) -> Ref:
        place = self._place(tensor)
        home = getattr(place, "graphlens_home", None)
        if home is self.translator:
            return place.graphlens_ref
        if home is None and id(tensor) in self._names:
            if len(self._frames) == 1:
                return super()._ref(tensor)
            with self._inside(self._frames[0]):
                super()._ref(tensor)
            home = self._frames[0].translator
        elif home is None or not self._is_open(home):
            if home is not None:
                del place.graphlens_ref  # a literal of a body that is done
            return super()._ref(tensor)
        return self._carried(place.graphlens_ref, home, len(self._frames) - 1)

    def _is_open(self, home: Translator) -> bool:
        return any(frame.translator is home for frame in self._frames)

    def _carried(self, ref: Ref, home: Translator, level: int) -> Ref:
        """What a Ref of an outer graph is inside of the body at that level."""
        frame = self._frames[level]
        if frame.translator is home:
            return ref
        outer = self._carried(ref, home, level - 1)
        known = frame.captured.get(id(outer))
        if known is None:
            known = self._capture(frame, self._frames[level - 1].translator, outer)
        return known.inner

    def _capture(self, frame: _Frame, above: Translator, outer: Ref) -> _Captured:
        value = outer.read()
        name = value.node if not value.result else f"{value.node}.{value.result}"
        inner = frame.translator.input(name, above.build.type_of(value))
        if value in above.pairs.values:
            frame.translator.pairs.values.add(inner.read())
        found = _Captured(outer, inner, inner.read())
        frame.captured[id(outer)] = found
        return found

    @contextlib.contextmanager
    def _inside(self, frame: _Frame) -> Iterator[None]:
        """Record into a body."""
        before, frames = self.translator, self._frames
        known = next((i for i, one in enumerate(frames) if one is frame), None)
        self._frames = [*frames, frame] if known is None else frames[: known + 1]
        self.translator = frame.translator
        try:
            yield
        finally:
            self.translator, self._frames = before, frames

    def _open(self, name: str) -> _Frame:
        top = self.translator
        return _Frame(Translator(name, top.graph.graph["capture"], top.scopes))

    # -- branches -------------------------------------------------------------------------------

    def branch(self, condition: torch.Tensor, then: Body, otherwise: Body) -> Any:
        """What a condition that depends on data chooses, an If; an assertion is taken to hold.

        Args:
            condition: A tensor of one element.
            then: Runs the first branch and returns nested containers of tensors and numbers.
            otherwise: Runs the second.

        Raises:
            CaptureError: If what they return has not the same form.
        """
        frames = [self._open(name) for name in _BRANCHES]
        for frame, other, body in zip(frames, (otherwise, then), (then, otherwise), strict=True):
            try:
                with self._inside(frame):
                    frame.results, frame.shape = leaves_of(body())
                    self._carry(frame.results)
            except ScriptRaiseError:
                return other()
        if frames[0].shape != frames[1].shape:
            raise CaptureError(
                "the branches of an if that depends on data return different structures: "
                f"{frames[0].shape} and {frames[1].shape}"
            )
        return self._if(condition, frames)

    def _carry(self, results: Sequence[Any]) -> None:
        """Read what a body returns, so that what it returns as it got it is captured."""
        for one in results:
            if isinstance(one, torch.Tensor):
                self._ref(one)

    def _if(self, condition: torch.Tensor, frames: list[_Frame]) -> Any:
        merged = [self._agreed(frames, index) for index in range(len(frames[0].results))]
        shown = [one for one in merged if isinstance(one, torch.Tensor)]
        places = [index for index, one in enumerate(merged) if isinstance(one, torch.Tensor)]
        outers = {key: held.outer for frame in frames for key, held in frame.captured.items()}
        written = [key for key in outers if any(_is_written(frame, key) for frame in frames)]
        regions = {
            name: self._closed(frame, [frame.results[index] for index in places], outers, written)
            for name, frame in zip(_BRANCHES, frames, strict=True)
        }
        top = self.translator
        operands = [outer.read() for outer in outers.values()]
        types = [type_of(one) for one in shown] + [
            top.build.type_of(outers[key].read()) for key in written
        ]
        name = top.scopes.name(top.build.scope, "if")
        first = top.build.op(
            "If", self._scalar(condition), *operands, results=types, regions=regions, name=name
        )
        made = self._results(first, shown)
        for index, key in enumerate(written):
            outers[key].write(Value(first.node, len(shown) + index))
        given = iter(made)
        whole = [next(given) if isinstance(one, torch.Tensor) else one for one in merged]
        return rebuilt(whole, frames[0].shape)

    def _agreed(self, frames: list[_Frame], index: int) -> Any:
        """One result of two branches: a constant that both have, or what a tensor of it is like."""
        pair = [frame.results[index] for frame in frames]
        plain = [not isinstance(one, torch.Tensor) for one in pair]
        if all(plain) and (pair[0] is pair[1] or pair[0] == pair[1]):
            return pair[0]
        wanted = next((one for one in pair if isinstance(one, torch.Tensor)), None)
        for place, frame in enumerate(frames):
            with self._inside(frame):
                pair[place] = frame.results[index] = _tensor(pair[place], wanted)
        one, other = pair
        if type_of(one) != type_of(other):
            raise CaptureError(
                "the branches of an if that depends on data return "
                f"{type_of(one)} and {type_of(other)}: a graph has one type for both"
            )
        return one

    # -- loops ----------------------------------------------------------------------------------

    def loop(self, trips: Any, going: Any, body: Body, carried: Any) -> Any:
        """A loop whose number of rounds depends on data, a Loop.

        Args:
            trips: The most rounds, an int or a tensor; None for any number.
            going: Whether the first is done.
            body: Of the round's number and what is carried; returns whether to go on, and that.
            carried: Nested containers of tensors and numbers, of one form in every round.
        """
        frame = self._open("body")
        held, shape = leaves_of(carried)
        held = [_tensor(one, None) for one in held]
        with self._inside(frame):
            inputs = [
                self._formal("iteration", self._scalar_of(torch.int64)),
                self._formal("condition", self._scalar_of(torch.bool)),
                *(self._formal("carried", one) for one in held),
            ]
            going_on, results = body(inputs[0], rebuilt(inputs[2:], shape))
            leaves, after = leaves_of(results)
            frame.results = [_tensor(going_on, None), *(_tensor(one, None) for one in leaves)]
            self._carry(frame.results)
        types = [type_of(one) for one in held]
        if after != shape or [type_of(one) for one in frame.results[1:]] != types:
            raise CaptureError(
                "a loop that depends on data changes the form of what it carries from "
                f"{types} to {[type_of(one) for one in frame.results[1:]]}"
            )
        return rebuilt(self._loop(frame, trips, going, held), shape)

    def _loop(self, frame: _Frame, trips: Any, going: Any, held: list[Any]) -> list[Any]:
        if any(_is_written(frame, key) for key in frame.captured):
            raise CaptureError("a loop that depends on data writes in place into outer tensors")
        outers = {key: one.outer for key, one in frame.captured.items()}
        top = self.translator
        operands = [self._ref(one).read() for one in held]
        operands += [outer.read() for outer in outers.values()]
        first = top.build.op(
            "Loop",
            None if trips is None else self._scalar(_tensor(trips, None)),
            self._scalar(_tensor(going, None)),
            *operands,
            results=[type_of(one) for one in held],
            regions={"body": self._closed(frame, frame.results, outers, [])},
            name=top.scopes.name(top.build.scope, "loop"),
            captures=len(outers),
        )
        return self._results(first, held)

    # -- both -----------------------------------------------------------------------------------

    def _formal(self, name: str, tensor: torch.Tensor) -> torch.Tensor:
        twin = self.twin(tensor)
        self._keep(twin, self.translator.input(name, type_of(tensor)))
        return twin

    def _scalar_of(self, dtype: torch.dtype) -> torch.Tensor:
        return self._fakes.empty((), (), dtype, torch.device("cpu"))

    def _scalar(self, tensor: torch.Tensor) -> Value:
        """A tensor of one element as one without axes."""
        return self._ref(tensor.reshape(()) if tensor.dim() else tensor).read()

    def _closed(
        self,
        frame: _Frame,
        results: Sequence[torch.Tensor],
        outers: Mapping[int, Ref],
        written: Sequence[int],
    ) -> Graph:
        """A body finished: its captured inputs in the order of ``outers``, then its results."""
        above = self.translator
        with self._inside(frame):
            for key, outer in outers.items():
                if key not in frame.captured:
                    self._capture(frame, above, outer)
            refs = [self._ref(one) for one in results]
            refs += [frame.captured[key].inner for key in written]
            graph, names = (
                frame.translator.graph,
                [frame.captured[key].start.node for key in outers],
            )
            formals = [name for name in graph.inputs if name not in set(names)]
            with torch._C._DisableTorchDispatch():
                frame.translator.output(refs, ())
        first = [*formals, *names]
        graph.reorder([*first, *(name for name in graph if name not in set(first))])
        return graph

    def _results(self, first: Value, shown: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        """Fake tensors for the first results of a node."""
        made: list[torch.Tensor] = []
        for index, one in enumerate(shown):
            twin = self.twin(one)
            self._keep(twin, Ref(Value(first.node, index)))
            made.append(twin)
        return made


_BRANCHES = ("then_branch", "else_branch")


def _is_written(frame: _Frame, key: int) -> bool:
    held = frame.captured.get(key)
    return held is not None and held.inner.read() != held.start


def _tensor(one: Any, wanted: torch.Tensor | None) -> torch.Tensor:
    """A number as a tensor without axes; what was never set as zeros like another."""
    if isinstance(one, torch.Tensor):
        return one
    if one is UNSET and wanted is not None:
        return torch.zeros(wanted.shape, dtype=wanted.dtype)
    number = as_number(one)
    if number is None:
        raise CaptureError(
            f"{one!r} is decided by a condition that depends on data; only tensors and numbers can"
        )
    return torch.full((), number, dtype=_KINDS[type(number)])


_KINDS = {bool: torch.bool, int: torch.int64, float: torch.float32}


def is_unknown(one: Any) -> bool:
    """Whether a condition depends on data: a fake tensor that remembers no value."""
    return isinstance(one, FakeTensor) and one.constant is None
