"""From calls of aten ops to a Graph: arguments bound, rows applied, in-place writes made pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

from graphlens.frontends.torch.aten.quantised import quantised
from graphlens.frontends.torch.call import Call, Row, is_symbolic
from graphlens.frontends.torch.complex import COMPLEX, PairCall, paired
from graphlens.frontends.torch.foreign import spelt
from graphlens.frontends.torch.pairs import Pairs
from graphlens.frontends.torch.repeats import Pattern, Repeats
from graphlens.frontends.torch.scopes import Scopes
from graphlens.frontends.torch.signature import Signature, signature
from graphlens.frontends.torch.symbols import Symbols
from graphlens.frontends.torch.types import array_of, type_of
from graphlens.frontends.torch.views import MAYBE, SURELY, Ref, View
from graphlens.ir.graph import Graph
from graphlens.ir.node import OURS, Node, Source, Value
from graphlens.ops.build import Builder
from graphlens.tensor import UNDEFINED, TensorType

_BOOLEAN = frozenset(
    ["eq", "ne", "lt", "le", "gt", "ge", "logical_and", "logical_or", "logical_xor", "logical_not"]
)


Expansion = Callable[[], list[Value] | None]
"""Translates the ops that an op is made of; None if it is made of none that are known."""


ASKED = "GuardOnDataDependentSymNode"
"""What torch raises where Python asks for the value of a number that depends on data."""


def _never() -> bool:
    return False


def _nothing() -> None:
    return None


class Translator:
    """Builds one Graph, op by op.

    Attributes:
        graph: What has been built so far.
        build: The builder that adds to it.
        scopes: Where the modules of the model are.
        symbols: The symbolic sizes that its inputs have.
        repeats: How calls were translated that others may be like.
    """

    def __init__(self, name: str, means: str, scopes: Scopes) -> None:
        """An empty graph of that name, captured by those means."""
        self.graph = Graph(name=name, capture=means)
        self.build = Builder(self.graph)
        self.scopes = scopes
        self.symbols = Symbols()
        self.pairs = Pairs(self.build)
        self.repeats = Repeats(self.graph)
        self._tensors: dict[str, torch.Tensor] = {}

    # -- leaves ---------------------------------------------------------------------------------

    def input(self, name: str, held: TensorType) -> Ref:
        """A value that the graph is given."""
        return Ref(self.build.input(self.graph.fresh(name), held))

    def param(self, name: str, tensor: torch.Tensor) -> Ref:
        """A weight or buffer, its memory shared."""
        self.build.scope = name.rpartition(".")[0]
        spelt = _spelt(tensor)
        value = self.build.param(name, type_of(spelt))
        return self._leaf(value, spelt, tensor)

    def const(self, tensor: torch.Tensor) -> Ref:
        """A tensor that is no parameter: a literal of the program."""
        spelt = _spelt(tensor)
        node = Node("Const", OURS, {}, (type_of(spelt),), self.build.scope)
        name = self.graph.add(node, (), self.scopes.name(self.build.scope, "const"))
        return self._leaf(Value(name), spelt, tensor)

    def number(self, number: Any) -> Ref:
        """A number that is known when the graph runs only, as a scalar."""
        name = self.scopes.name(self.build.scope, "number")
        return Ref(Call(self.build, "number", name, (), self.symbols).own_number(number))

    def _leaf(self, value: Value, spelt: torch.Tensor, tensor: torch.Tensor) -> Ref:
        self._tensors[value.node] = spelt
        if tensor.is_complex():
            self.pairs.values.add(value)
        return Ref(value)

    def output(self, refs: Sequence[Ref], names: Sequence[str]) -> Graph:
        """End the graph with what it returns; not to be called while a tracing mode is on."""
        arrays = {name: array_of(tensor) for name, tensor in self._tensors.items()}
        self.graph.weights |= {name: held for name, held in arrays.items() if held is not None}
        self.build.scope, self.build.source = "", Source()
        values = [self.pairs.whole(ref.read()) for ref in refs]
        self.build.output(values, names if any(names) else ())
        self.graph.scopes.update(self.scopes.classes(self.graph))
        return self.graph

    def forget(self, names: Sequence[str]) -> None:
        """Take back nodes that were added in vain."""
        self.graph.remove_nodes_from(names)
        self.pairs.forget(names)
        self.symbols.forget(names)

    # -- ops ------------------------------------------------------------------------------------

    def place(self, scope: str, source: Source) -> None:
        """Where the next calls come from: module path and the user's line."""
        self.build.scope = scope
        self.build.source = source

    def call(
        self,
        func: Any,
        args: Sequence[Any],
        kwargs: dict[str, Any],
        types: Sequence[TensorType],
        aliases: Callable[[], bool] = _never,
        expand: Expansion = _nothing,
    ) -> list[Ref]:
        """Translate one call of an op.

        Args:
            func: The op's overload.
            args: Its arguments, tensors as `Ref`s.
            kwargs: The same by name.
            types: The type of each tensor that it returns.
            aliases: Whether the result lies in the first argument's memory, asked for ops that
                do that for some operands only.
            expand: Translates the ops that this one is made of, for ops that have no row.

        Returns:
            A Ref for each tensor that it returns.
        """
        held = signature(func)
        bound = held.bound(args, kwargs)
        self.build.source = Source(str(func), self.build.source.file, self.build.source.line)
        if held.writes:
            return [self._write(held, bound, types, expand)]
        if held.outs:
            return self._written_out(held, bound, types, expand)
        if held.written:
            return self._with_effects(held, bound, types)
        values = self._results(held, [_read(one) for one in bound], types, expand)
        first = bound[0] if bound else None
        shared = held.base in SURELY or (held.base in MAYBE and aliases())
        if shared and isinstance(first, Ref):
            return self._views(held, first, bound, types, values)
        return [Ref(value) for value in values]

    def again(self, func: Any, pattern: Pattern, refs: Sequence[Ref]) -> Ref:
        """Translate a call like one before, on these tensors."""
        name = self.scopes.name(self.build.scope, signature(func).base)
        value = pattern.write(self.build, [one.read() for one in refs], name)
        if not pattern.made.writes:
            return Ref(value)
        self._put(refs[0], value)
        return refs[0]

    def _write(
        self,
        held: Signature,
        bound: list[Any],
        types: Sequence[TensorType],
        expand: Expansion,
    ) -> Ref:
        """An op that writes into its first argument: the pure op, whose result all then see."""
        target = bound[0]
        if held.base == "copy" and isinstance(bound[1], Ref) and target.shows(bound[1]):
            return target  # x[i] += 1 ends by copying what was added to back to itself
        wanted = types[0]
        boolean = held.base in _BOOLEAN
        inner = [wanted.with_dtype("bool")] if boolean else [wanted]
        (value, *_) = self._results(held, [_read(one) for one in bound], inner, expand)
        if boolean and wanted.dtype != "bool":
            value = self.build.op("Cast", value, results=[wanted], to=wanted.dtype)
        self._put(target, value)
        return target

    def _put(self, target: Ref, value: Value) -> None:
        """Write a value; what shares its memory is complex where it is."""
        target.write(value)
        if value in self.pairs.values:
            self.pairs.values.update(target.bases())

    def _written_out(
        self, held: Signature, bound: list[Any], types: Sequence[TensorType], expand: Expansion
    ) -> list[Ref]:
        """An op told where its results go: the pure op, and a write of each."""
        given = [_read(one) for index, one in enumerate(bound) if index not in held.outs]
        values = self._results(held, given, types, expand)
        places = [bound[index] for index in held.outs]
        for place, value in zip(places, values, strict=False):
            self._put(place, value)
        return places

    def _with_effects(
        self, held: Signature, bound: list[Any], types: Sequence[TensorType]
    ) -> list[Ref]:
        """An op that writes some of its arguments: what it leaves in them are results too."""
        places = [one for index in held.written for one in _refs(bound[index])]
        made = [*types, *(self.pairs.type_of(one.read()) for one in places)]
        values = self._results(held, [_read(one) for one in bound], made)
        for place, value in zip(places, values[len(types) :], strict=True):
            self._put(place, value)
        return [Ref(value) for value in values[: len(types)]]

    def _views(
        self,
        held: Signature,
        base: Ref,
        bound: list[Any],
        types: Sequence[TensorType],
        values: list[Value],
    ) -> list[Ref]:
        def again(value: Value) -> list[Value]:
            return self._results(held, [value, *map(_read, bound[1:])], types)

        arguments = dict(zip(held.names, bound, strict=True))
        if base.read() in self.pairs.values:  # whose last axis is no axis of the tensor
            rank = len(self.pairs.type_of(base.read()).shape or (0,))
            places = {key: one for key, one in arguments.items() if isinstance(one, int)}
            arguments |= {key: one % rank for key, one in places.items() if key[:3] == "dim"}
        return [
            Ref(value, View(base, index, again, held.base, arguments, self.build, self.symbols))
            for index, value in enumerate(values)
        ]

    def _results(
        self,
        held: Signature,
        values: list[Any],
        types: Sequence[TensorType],
        expand: Expansion = _nothing,
    ) -> list[Value]:
        name = self.scopes.name(self.build.scope, held.base)
        if self.pairs.concerns(types) or self.pairs.concerns(values):
            return self._complex(held, values, types, expand, name)
        if any(one.dtype == UNDEFINED for one in types):
            call = Call(self.build, held.op, name, types, self.symbols)
            stored = quantised(call, f"{held.domain}::{held.base}", held.row, values)
            if stored is not NotImplemented:
                return [stored] if isinstance(stored, Value) else list(stored)
        if held.row is not None:
            call = Call(self.build, held.op, name, types, self.symbols)
            if types and all(one.elements == 0 for one in types):
                return call.nothing()
            made = self._by_row(held.row, call, values)
            if made is not NotImplemented:
                return [made] if isinstance(made, Value) else list(made)
        expanded = expand()
        return self._foreign(held, values, types, name) if expanded is None else expanded

    def _by_row(self, row: Row, call: Call, values: list[Any]) -> Any:
        """What a row makes of a call; NotImplemented where it needs a number that is none yet."""
        parts = [one for part in values for one in (part if isinstance(part, list) else [part])]
        if not any(map(is_symbolic, parts)):
            return row(call, *values)
        before = len(self.graph)
        try:
            return row(call, *values)
        except RuntimeError as error:  # torch was asked for the value of a symbol
            if type(error).__name__ != ASKED:
                raise
            self.forget(list(self.graph)[before:])
            return NotImplemented

    def _complex(
        self,
        held: Signature,
        values: list[Any],
        types: Sequence[TensorType],
        expand: Expansion,
        name: str,
    ) -> list[Value]:
        """An op that takes or gives complex tensors."""
        row = COMPLEX.get(held.op) or COMPLEX.get(held.base)
        if row is not None and held.domain == "aten":
            call = PairCall(self.build, held.op, name, list(map(paired, types)), self.symbols)
            call.pairs = self.pairs.values
            made = row(call, *map(self.pairs.paired, values))
            if made is not NotImplemented:
                return self.pairs.take([made] if isinstance(made, Value) else made, types)
        expanded = expand()
        if expanded is not None:
            return expanded
        return self.pairs.paired(self._foreign(held, self.pairs.whole(values), types, name))

    def _foreign(
        self, held: Signature, values: list[Any], types: Sequence[TensorType], name: str
    ) -> list[Value]:
        """An op without an ONNX form, which `torch.foreign.run` can call again."""
        call = Call(self.build, held.op, name, types, self.symbols)
        operands, attributes = spelt(call, held.names, values)
        first = self.build.op(
            held.op, *operands, results=tuple(types), domain=held.domain, name=name
        )
        self.graph.update_node(first.node, attributes=attributes)
        return [Value(first.node, index) for index in range(len(types))]


def _spelt(tensor: torch.Tensor) -> torch.Tensor:
    """A tensor as a weight is held: a complex one as its pairs."""
    if not tensor.is_complex():
        return tensor
    with torch._C._DisableTorchDispatch():
        return torch.view_as_real(tensor.resolve_conj())


def _read(argument: Any) -> Any:
    if isinstance(argument, Ref):
        return argument.read()
    if isinstance(argument, list | tuple):
        return [_read(one) for one in argument]
    return argument


def _refs(argument: Any) -> list[Ref]:
    parts = argument if isinstance(argument, list | tuple) else [argument]
    return [one for one in parts if isinstance(one, Ref)]
