"""From calls of aten ops to a Graph: arguments bound, rows applied, in-place writes made pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, NamedTuple

import torch

from graphlens.frontends.torch_aten import find
from graphlens.frontends.torch_call import Call, Row
from graphlens.frontends.torch_scopes import Scopes
from graphlens.frontends.torch_symbols import Symbols
from graphlens.frontends.torch_types import array_of, type_of
from graphlens.frontends.torch_views import MAYBE, SURELY, Ref, View
from graphlens.ir.graph import Graph
from graphlens.ir.node import OURS, Node, Source, Value
from graphlens.ops.build import Builder
from graphlens.tensor import TensorType

_BOOLEAN = frozenset(
    ["eq", "ne", "lt", "le", "gt", "ge", "logical_and", "logical_or", "logical_xor", "logical_not"]
)


class Signature(NamedTuple):
    """What the translation needs of an op's schema.

    Attributes:
        domain: Its namespace (``'aten'``).
        op: Name and overload, of the pure form if it writes in place (``'add.Tensor'``).
        base: The name without the overload.
        names: The names of its arguments.
        defaults: Their defaults.
        writes: Whether it writes into its first argument.
        row: Its row of the table, or None.
    """

    domain: str
    op: str
    base: str
    names: tuple[str, ...]
    defaults: tuple[Any, ...]
    writes: bool
    row: Row | None


@cache
def signature(func: Any) -> Signature:
    """The signature of an op overload."""
    schema = func._schema
    domain, _, base = schema.name.partition("::")
    overload = schema.overload_name
    arguments = schema.arguments
    writes = bool(arguments) and _is_written(arguments[0]) and base.endswith("_")
    if writes:
        base = f"__{base[3:]}" if base.startswith("__i") else base.removesuffix("_")
    op = f"{base}.{overload}" if overload not in ("", "default") else base
    outs = any(_is_written(one) for one in arguments) and not writes
    row = find(op) if domain == "aten" and not outs else None
    return Signature(
        domain,
        op,
        base,
        tuple(one.name for one in arguments),
        tuple(one.default_value if one.has_default_value() else None for one in arguments),
        writes,
        row,
    )


def _is_written(argument: Any) -> bool:
    alias = argument.alias_info
    return alias is not None and alias.is_write


Expansion = Callable[[], list[Value] | None]
"""Translates the ops that an op is made of; None if it is made of none that are known."""


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
    """

    def __init__(self, name: str, means: str, scopes: Scopes) -> None:
        """An empty graph of that name, captured by those means."""
        self.graph = Graph(name=name, capture=means)
        self.build = Builder(self.graph)
        self.scopes = scopes
        self.symbols = Symbols()
        self._tensors: dict[str, torch.Tensor] = {}

    # -- leaves ---------------------------------------------------------------------------------

    def input(self, name: str, held: TensorType) -> Ref:
        """A value that the graph is given."""
        return Ref(self.build.input(self.graph.fresh(name), held))

    def param(self, name: str, tensor: torch.Tensor) -> Ref:
        """A weight or buffer, its memory shared."""
        self.build.scope = name.rpartition(".")[0]
        value = self.build.param(name, type_of(tensor))
        self._tensors[value.node] = tensor
        return Ref(value)

    def const(self, tensor: torch.Tensor) -> Ref:
        """A tensor that is no parameter: a literal of the program."""
        node = Node("Const", OURS, {}, (type_of(tensor),), self.build.scope)
        name = self.graph.add(node, (), self.scopes.name(self.build.scope, "const"))
        self._tensors[name] = tensor
        return Ref(Value(name))

    def output(self, refs: Sequence[Ref], names: Sequence[str]) -> Graph:
        """End the graph with what it returns; not to be called while a tracing mode is on."""
        arrays = {name: array_of(tensor) for name, tensor in self._tensors.items()}
        self.graph.weights |= {name: held for name, held in arrays.items() if held is not None}
        self.build.scope, self.build.source = "", Source()
        self.build.output([ref.read() for ref in refs], names if any(names) else ())
        self.graph.scopes.update(self.scopes.classes(self.graph))
        return self.graph

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
        bound = _bound(held, args, kwargs)
        self.build.source = Source(str(func), self.build.source.file, self.build.source.line)
        if held.writes:
            return [self._write(held, bound, types, expand)]
        values = self._results(held, [_read(one) for one in bound], types, expand)
        first = bound[0] if bound else None
        shared = held.base in SURELY or (held.base in MAYBE and aliases())
        if shared and isinstance(first, Ref):
            return self._views(held, first, bound, types, values)
        return [Ref(value) for value in values]

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
        target.write(value)
        return target

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
        return [
            Ref(value, View(base, index, again, held.base, arguments, self.build))
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
        if held.row is not None:
            call = Call(self.build, held.op, name, types, self.symbols.size)
            made = held.row(call, *values)
            if made is not NotImplemented:
                return [made] if isinstance(made, Value) else list(made)
        expanded = expand()
        return self._foreign(held, values, types, name) if expanded is None else expanded

    def _foreign(
        self, held: Signature, values: list[Any], types: Sequence[TensorType], name: str
    ) -> list[Value]:
        """An op without an ONNX form: its tensors are operands, the rest attributes.

        The attribute ``operands`` says which argument each operand belongs to, a list's ones by
        their index, so that the call can be made again.
        """
        operands: list[Value] = []
        spelt: list[str] = []
        attributes: dict[str, Any] = {}
        for argument, value in zip(held.names, values, strict=True):
            parts = value if isinstance(value, list) else [value]
            if any(isinstance(part, Value) for part in parts):
                for index, part in enumerate(parts):
                    if isinstance(part, Value):
                        operands.append(part)
                        spelt.append(f"{argument}[{index}]" if value is parts else argument)
            elif value is not None:
                attributes[argument] = _attribute(value)
        first = self.build.op(
            held.op,
            *operands,
            results=tuple(types),
            domain=held.domain,
            name=name,
            operands=tuple(spelt),
        )
        if attributes:
            plain = {"operands": tuple(spelt), **attributes}
            self.graph.update_node(first.node, attributes=plain)
        return [Value(first.node, index) for index in range(len(types))]


def _bound(held: Signature, args: Sequence[Any], kwargs: dict[str, Any]) -> list[Any]:
    rest = range(len(args), len(held.names))
    return [*args, *(kwargs.get(held.names[i], held.defaults[i]) for i in rest)]


def _read(argument: Any) -> Any:
    if isinstance(argument, Ref):
        return argument.read()
    if isinstance(argument, list | tuple):
        return [_read(one) for one in argument]
    return argument


def _attribute(value: Any) -> Any:
    """An argument as a plain value."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list | tuple):
        return tuple(map(_attribute, value))
    return str(value)
