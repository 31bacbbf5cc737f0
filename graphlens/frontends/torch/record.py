"""Recording the aten calls of PyTorch code as a Graph while it runs on fake tensors."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch._dispatch.python import enable_python_dispatcher
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode

from graphlens.errors import CaptureError
from graphlens.frontends.torch.below import Above
from graphlens.frontends.torch.call import is_symbolic
from graphlens.frontends.torch.dynamic import Dims, Symbolic
from graphlens.frontends.torch.expand import expansion_of
from graphlens.frontends.torch.fakes import Fakes
from graphlens.frontends.torch.inputs import Arguments, returned
from graphlens.frontends.torch.quick import by_kernel, by_rule
from graphlens.frontends.torch.repeats import Call, Form, Made, call_of
from graphlens.frontends.torch.scopes import user_line
from graphlens.frontends.torch.signature import Signature, signature
from graphlens.frontends.torch.state import tracing
from graphlens.frontends.torch.tensors import same_storage
from graphlens.frontends.torch.translate import Translator
from graphlens.frontends.torch.views import Ref
from graphlens.ir.graph import Graph
from graphlens.ir.node import OURS, Source, Value
from graphlens.tensor import UNDEFINED, TensorType

_DEEPEST = 6
"""Levels of ops made of ops made of ops that are followed."""
_REFUSALS = (CaptureError, RuntimeError, TypeError, ValueError, AssertionError)
"""What torch's own decompositions raise of operands that they do not take; ours raise nothing."""
_LIFTING = frozenset({"lift_fresh", "lift_fresh_copy"})
_ASKING = frozenset(["_local_scalar_dense", "item", "is_nonzero", "equal", "allclose"])
"""Ops that give Python a tensor's value; of a weight it is known."""


class Recorder(Above):
    """Does every aten call on fake tensors, and translates it.

    Attributes:
        translator: What the calls are told to.
        scope: Paths of the modules that are running, innermost last.
        line: The user's line, where it is not that of a Python frame.
    """

    def __init__(
        self,
        translator: Translator,
        weights: Mapping[str, torch.Tensor],
        fake: FakeTensorMode | None = None,
        symbolic: Symbolic | None = None,
    ) -> None:
        """A recorder that writes into ``translator``; ``weights`` by qualified name.

        Its fake tensors are of the mode ``fake``, or of that of ``symbolic``, or of its own.
        """
        super().__init__("fake")
        self.translator = translator
        self.symbolic = symbolic
        own = symbolic.fake if symbolic else FakeTensorMode(allow_non_fake_inputs=True)
        self.fake = fake or own
        self._fakes = Fakes(self.fake)
        self.scope: list[str] = [""]
        self.line: tuple[str, int] | None = None
        self._depth = 0
        self._held: list[Any] = list(weights.values())
        self._twins: dict[int, _Place | torch.Tensor] = {}
        self._names: dict[int, str] = {}
        for name, tensor in weights.items():
            self._names.setdefault(id(tensor), name)

    def input(self, name: str, fake: torch.Tensor, dims: Dims) -> torch.Tensor:
        """A fake tensor as an input of the graph, with the names of its symbolic axes."""
        ref = self.translator.input(name, TensorType(UNDEFINED))
        symbols, value = self.translator.symbols, ref.read()
        symbols.declare(value, fake, dims)
        self.translator.graph.update_node(value.node, results=(symbols.type_of(fake),))
        self._keep(fake, ref)
        return fake

    def inputs(self, given: Arguments, dims: Sequence[Dims] = ()) -> Any:
        """The arguments of a call with inputs of the graph in place of their tensors."""
        symbolic = self.symbolic
        fakes: dict[int, torch.Tensor] = {}
        for index, (name, tensor) in enumerate(zip(given.names, given.tensors, strict=True)):
            axes = dims[index] if dims else {}
            fake = symbolic.tensor(tensor, axes) if symbolic and axes else self.twin(tensor)
            fakes[id(tensor)] = self.input(name, fake, axes)
        return given.mapped(lambda tensor: fakes[id(tensor)])

    def output(self, result: Any) -> Graph:
        """The finished graph, returning what the model returned."""
        leaves, names = returned(result)
        refs = [
            self._ref(leaf) if isinstance(leaf, torch.Tensor) else self._literal(leaf)
            for leaf in leaves
        ]
        return self.translator.output(refs, names)

    def run(self, function: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
        """Call a function on fake tensors and record what it does."""
        with tracing(), enable_python_dispatcher(), self.fake, self:
            return function(*args, **kwargs)

    def replay(self, func: Any, refs: Any, shown: Any) -> list[Value] | None:
        """Translate what an op is made of, for a call that was recorded by somebody else.

        Args:
            func: The op's overload.
            refs: Its arguments by position and by name, tensors as Refs.
            shown: The same with fake tensors in their place.
        """
        with tracing(), enable_python_dispatcher(), self.fake:
            try:
                args, kwargs = self._tagged(shown, refs)
            except NotImplementedError:
                return None  # an operand that has no fake form (a quantised one)
            return self._expanded(func, args, kwargs)

    def call(self, func: Any, args: Any, kwargs: dict[str, Any]) -> Any:
        """Run one aten call on fake tensors and translate it."""
        held = signature(func)
        if held.base in _ASKING and all(not isinstance(one, FakeTensor) for one in args):
            with torch._C._DisableTorchDispatch():
                return func(*args, **kwargs)
        symbolic = self.fake.shape_env is not None  # whose sizes are no keys
        call = None if symbolic else call_of(func, held, args, kwargs)
        if call is None:
            return self._first(func, args, kwargs)
        refs = [self._ref(one) for one in call.tensors]
        self._here(func)
        pattern = self.translator.repeats.find(call, refs)
        if pattern is None:
            return self._learnt(func, args, kwargs, call, refs)
        made, given = self.translator.again(func, pattern, refs), pattern.made.given
        new = given < 0
        result = self._fakes.empty(*pattern.made.form) if new else self._faked(call.tensors[given])
        self._keep(result, made)
        return result

    def _here(self, func: Any) -> None:
        """Say where what is added next comes from."""
        self.translator.place(self.scope[-1], Source(str(func), *(self.line or user_line())))

    def _learnt(
        self, func: Any, args: Any, kwargs: dict[str, Any], call: Call, refs: Sequence[Ref]
    ) -> Any:
        """Run and translate a call, and note how for others like it."""
        translator = self.translator
        if translator.repeats.knows(call):
            return self._first(func, args, kwargs)
        operands, before = [one.read() for one in refs], len(translator.graph)
        result = self._first(func, args, kwargs)
        writes = signature(func).writes
        made = None if writes and refs[0].is_view else self._made(call, result, writes)
        name = translator.scopes.name(self.scope[-1], signature(func).base)
        translator.repeats.learn(call, before, operands, name, made)
        return result

    def _made(self, call: Call, result: Any, writes: bool) -> Made | None:
        """What came of a call, if it is one tensor that remembers nothing."""
        if type(result) is not FakeTensor or result.constant is not None or result.is_complex():
            return None
        if result.layout != torch.strided:
            return None
        places = [self._place(one) for one in call.tensors]
        given = next((index for index, one in enumerate(places) if one is result), -1)
        shares = any(same_storage(result, one) for one in places)
        if writes != (given == 0) or (given < 0 and (shares or result.storage_offset())):
            return None
        form = Form(tuple(result.shape), result.stride(), result.dtype, result.fake_device)
        return Made(self._ref(result).read(), form, given, writes)

    def _first(self, func: Any, args: Any, kwargs: dict[str, Any]) -> Any:
        """Run one aten call on fake tensors and translate it by its row."""
        held = signature(func)
        result = self._done(func, held, args, kwargs)
        flat = list(result) if isinstance(result, tuple | list) else [result]
        made_any = any(isinstance(one, torch.Tensor) for one in flat)
        translator = self.translator
        if not made_any and not held.written:
            if held.base in _ASKING and is_symbolic(result):
                translator.symbols.tell(result, self._ref(args[0]).read())
            return result
        refs = [self._argument(one) for one in args]
        words = {key: self._argument(one) for key, one in kwargs.items()}
        self._here(func)
        made = translator.call(
            func,
            refs,
            words,
            [translator.symbols.type_of(one) for one in flat if result is not None],
            lambda: same_storage(flat[0], self._faked(args[0])),
            lambda: self._expanded(func, *self._all_faked(args, kwargs)),
        )
        for one, ref in zip(flat, made, strict=False):
            if isinstance(one, torch.Tensor):
                self._keep(one, ref)
                if self.fake.shape_env is not None:
                    translator.symbols.declare(ref.read(), one)
        return result

    def _done(self, func: Any, held: Signature, args: Any, kwargs: dict[str, Any]) -> Any:
        """What a call gives on fake tensors."""
        result = by_rule(self._fakes, func, args, kwargs)
        if result is not NotImplemented:
            return result
        if held.base in _LIFTING:  # of a tensor that Python has just made, torch knows the value
            return func(*args, **kwargs)
        given, named = self._all_faked(args, kwargs)
        result = by_kernel(self._fakes, func, given, named)
        return func(*given, **named) if result is NotImplemented else result

    def _expanded(self, func: Any, args: Any, kwargs: Any) -> list[Value] | None:
        """The values of an op without a row, by recording the ops that torch makes it of."""
        expansion = None if self._depth > _DEEPEST else expansion_of(func)
        if expansion is None:
            return None
        graph, build = self.translator.graph, self.translator.build
        before, scope, source = len(graph), build.scope, build.source
        self._depth += 1
        try:
            with self:
                result = expansion(*args, **kwargs)
            flat = list(result) if isinstance(result, tuple | list) else [result]
            # what is no tensor is NotImplemented, or a part that no value of a graph can be
            whole = all(isinstance(one, torch.Tensor) for one in flat)
            values = [self._ref(one).read() for one in flat] if whole else None
        except _REFUSALS:
            values = None
        finally:
            self._depth -= 1
            build.scope, build.source = scope, source
        added = list(graph)[before:]
        if values is not None and all(graph.nodes[name]["domain"] in ("", OURS) for name in added):
            return values
        self.translator.forget([name for name in added if graph.nodes[name]["domain"] != OURS])
        return None

    def _tagged(self, shown: Any, refs: Any) -> Any:
        """Fake tensors of our own like those shown, each with its Ref."""
        if isinstance(refs, Ref):
            twin = self.twin(shown)
            self._keep(twin, refs)
            return twin
        if isinstance(refs, dict):
            return {key: self._tagged(shown[key], one) for key, one in refs.items()}
        if isinstance(refs, list | tuple):
            return [self._tagged(one, ref) for one, ref in zip(shown, refs, strict=True)]
        return shown

    def _keep(self, place: Any, ref: Ref) -> None:
        """Write a fake tensor's Ref on it, or a real one's on its place.

        A table from tensors to Refs would hold the tensors, and torch's factory functions copy
        a tensor that somebody else holds too, so that the program would get an unknown one.
        """
        place.graphlens_ref = ref

    def _argument(self, one: Any) -> Any:
        if isinstance(one, torch.Tensor):
            return self._ref(one)
        if isinstance(one, list | tuple):
            return [self._argument(part) for part in one]
        return one

    def _ref(self, tensor: torch.Tensor) -> Ref:
        """The Ref of a tensor: known, a weight, or a literal of the program."""
        place = self._place(tensor)
        found = getattr(place, "graphlens_ref", None)
        if found is None:
            name = self._names.get(id(tensor))
            found = self.translator.param(name, tensor) if name else self._lifted(tensor)
            self._keep(place, found)
        return found

    def _place(self, tensor: torch.Tensor) -> Any:
        """What a tensor's Ref is written on: itself, its twin, or what stands for a twin."""
        place = self._twins.get(id(tensor))
        if place is None:
            if isinstance(tensor, FakeTensor) and id(tensor) not in self._names:
                return tensor
            place = self._twins[id(tensor)] = _Place()
            self._held.append(tensor)
        return place

    def _lifted(self, tensor: torch.Tensor) -> Ref:
        if isinstance(tensor, FakeTensor):
            raise CaptureError(
                "a tensor reached an op without being made by one that was recorded; "
                "was the model run under another tracing mode?"
            )
        return self.translator.const(tensor)

    def _literal(self, number: Any) -> Ref:
        with torch._C._DisableTorchDispatch():
            return self.translator.const(torch.tensor(number))

    def _faked(self, one: Any) -> Any:
        """An argument with real tensors replaced by fake ones."""
        if isinstance(one, torch.Tensor):
            place = self._place(one)
            if not isinstance(place, _Place):
                return place
            twin = self._twins[id(one)] = self.twin(one)
            vars(twin).update(vars(place))
            return twin
        if isinstance(one, list | tuple):
            return [self._faked(part) for part in one]
        return one

    def twin(self, tensor: torch.Tensor) -> torch.Tensor:
        """A fake tensor like a real one, made some 20 times faster than torch's general way."""
        if tensor.layout != torch.strided:
            return self.fake.from_tensor(tensor, static_shapes=True)
        return self._fakes.empty(tensor.shape, tensor.stride(), tensor.dtype, tensor.device)

    def _all_faked(self, args: Any, kwargs: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
        return [self._faked(one) for one in args], {k: self._faked(v) for k, v in kwargs.items()}


class _Place:
    """What stands for the fake twin of a real tensor until an op needs one."""
