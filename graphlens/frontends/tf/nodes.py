"""Graphs of TensorFlow read from messages: what tf.Graph, Operation and Tensor tell, without TF.

The importer asks the same of these as of TensorFlow's own classes, so one table serves both.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

from graphlens.errors import CaptureError, FormatError
from graphlens.frontends.tf.order import in_order
from graphlens.frontends.tf.schema import DType, dtype_of, message, op_definition
from graphlens.frontends.tf.unfold import MOST_OPS, must_unfold

_SHAPED = frozenset({"Placeholder", "PlaceholderV2", "PlaceholderWithDefault", "VariableV2"})
"""Ops whose attribute ``shape`` is that of the result."""


class Shape:
    """The static shape of a tensor; ``None`` is an unknown size or, as a whole, an unknown rank."""

    def __init__(self, sizes: Sequence[int | None] | None) -> None:
        """A shape of those sizes."""
        self._sizes = sizes

    @classmethod
    def of(cls, proto: Any) -> Shape:
        """The shape in a TensorShapeProto, in which -1 is an unknown size."""
        if proto.unknown_rank:
            return cls(None)
        return cls([dim.size if dim.size >= 0 else None for dim in proto.dim])

    @property
    def rank(self) -> int | None:
        """How many axes, None where that is not known."""
        return None if self._sizes is None else len(self._sizes)

    def as_list(self) -> list[int | None]:
        """The sizes, of a shape whose rank is known."""
        return list(self._sizes or ())


class Tensor:
    """One result of an op."""

    __slots__ = ("_readers", "dtype", "op", "shape", "value_index")

    def __init__(self, op: Op, index: int, dtype: DType, shape: Shape) -> None:
        """Result number ``index`` of ``op``."""
        self.op, self.value_index, self.dtype, self.shape = op, index, dtype, shape

    @property
    def name(self) -> str:
        """``'conv:0'``."""
        return f"{self.op.name}:{self.value_index}"

    @property
    def graph(self) -> Nodes:
        """The graph that it is in."""
        return self.op.graph

    def consumers(self) -> list[Op]:
        """The ops that read it, in the graph's order."""
        return self.op.graph.readers.get(self.name, [])


class Op:
    """One op."""

    def __init__(self, graph: Nodes, node: Any) -> None:
        """The op that a NodeDef tells of; its operands are found when first asked for."""
        self.graph, self.node_def, self.name = graph, node, node.name
        called = graph.library.get(node.op)
        self.op_def = called.signature if called else graph.definition(node.op)
        self.type: str = "PartitionedCall" if called else node.op
        shapes = [Shape.of(proto) for proto in self._noted_shapes()]
        kinds = list(self._kinds())
        shapes += [Shape(None)] * (len(kinds) - len(shapes))
        self.outputs = [
            Tensor(self, index, kind, shape)
            for index, (kind, shape) in enumerate(zip(kinds, shapes, strict=False))
        ]

    @cached_property
    def inputs(self) -> list[Tensor]:
        """Its data operands."""
        return [self.graph.found(name, self) for name in self.node_def.input if name[0:1] != "^"]

    @cached_property
    def control_inputs(self) -> list[Op]:
        """The ops that must have run before it."""
        names = [name[1:] for name in self.node_def.input if name[0:1] == "^"]
        return [self.graph.op(name.partition(":")[0], self) for name in names]

    def get_attr(self, name: str) -> Any:
        """An attribute, or what it is by definition if the op does not say.

        Raises:
            ValueError: If the op has no such attribute.
        """
        held = self.node_def.attr
        if name in held:
            return _attribute(held[name], f"{self.name}.{name}")
        if name == "f" and self.node_def.op in self.graph.library:
            return message("NameAttrList")(name=self.node_def.op)
        for known in self.op_def.attr if self.op_def is not None else ():
            if known.name == name and known.HasField("default_value"):
                return _attribute(known.default_value, f"{self.name}.{name}")
        raise ValueError(f"the op {self.name!r} ({self.type}) has no attribute {name!r}")

    def _noted_shapes(self) -> Sequence[Any]:
        """The shapes that the file notes of the results; of a Placeholder that is an attribute."""
        attributes = self.node_def.attr
        if "_output_shapes" in attributes:
            return attributes["_output_shapes"].list.shape
        return [attributes["shape"].shape] if self.type in _SHAPED and "shape" in attributes else ()

    def _kinds(self) -> Iterable[DType]:
        """The dtype of each result; of an op that nobody defines as many as are read."""
        if self.op_def is None:
            yield from [DType("undefined")] * self.graph.read(self.name)
            return
        for argument in self.op_def.output_arg:
            yield from argument_kinds(self, argument)


def argument_kinds(op: Op, argument: Any) -> list[DType]:
    """The dtypes of the tensors that one argument of an op's definition stands for.

    Raises:
        FormatError: If the op's attributes do not say them.
    """
    try:
        if argument.type_list_attr:
            return list(op.get_attr(argument.type_list_attr))
        kind = op.get_attr(argument.type_attr) if argument.type_attr else dtype_of(argument.type)
        count = op.get_attr(argument.number_attr) if argument.number_attr else 1
        if argument.is_ref:
            kind = DType(f"{kind.name}_ref")
        if not isinstance(kind, DType) or not 0 <= count <= MOST_OPS:
            raise ValueError(f"the op {op.name!r} has {count} tensors as {argument.name!r}")
        return [kind] * count
    except (ValueError, TypeError, AttributeError) as error:
        raise FormatError(f"the TF op {op.name!r} ({op.type}) is not whole: {error}") from error


def _attribute(value: Any, where: str) -> Any:
    kind = value.WhichOneof("value")
    if kind == "list":
        filled = next((items for field, items in value.list.ListFields()), ())
        of_types = len(value.list.type) > 0
        return [dtype_of(item) for item in filled] if of_types else list(filled)
    if kind == "placeholder":
        raise ValueError(f"{where} is left to the caller of a generic function")
    found = None if kind is None else getattr(value, kind)
    return dtype_of(found) if kind == "type" else found


class Nodes:
    """A graph, or the body of a function.

    Attributes:
        library: The functions that its ops call, by name.
        inputs: What a function's body is given.
        outputs: What it returns.
        building_function: Whether it is a function's body.
    """

    def __init__(
        self,
        nodes: Iterable[Any],
        library: Mapping[str, Any],
        definitions: Mapping[str, Any],
        function: Any | None = None,
    ) -> None:
        """A graph of NodeDefs.

        Args:
            nodes: Its NodeDefs.
            library: FunctionDefs by name.
            definitions: OpDefs of ops that are not TensorFlow's own, by name.
            function: The FunctionDef of which this is the body.

        Raises:
            FormatError: If two nodes have one name, or one reads what is not there.
        """
        self.library, self._definitions, self._function = library, definitions, function
        self._bodies: dict[str, Nodes] = {}
        held = list(nodes)
        self._read = Counter[str]()
        for node in held:
            for name in node.input:
                place = name.rpartition(":")[2]
                count = int(place) + 1 if place.isdecimal() and len(place) < 5 else 1
                origin = name.partition(":")[0]
                self._read[origin] = max(self._read[origin], count)
        given = list(_formals(function)) if function is not None else []
        self._ops: dict[str, Op] = {}
        for node in (*given, *held):
            if node.name in self._ops or not node.name:
                raise FormatError(f"the TF graph has two nodes of the name {node.name!r}")
            self._ops[node.name] = Op(self, node)
        self.inputs = [self._ops[node.name].outputs[0] for node in given]
        self.building_function = function is not None

    @classmethod
    def of(cls, graph: Any, definitions: Iterable[Any] = ()) -> Nodes:
        """The graph in a GraphDef, whose functions must come to an end."""
        library = {function.signature.name: function for function in graph.library.function}
        must_unfold(graph.node, library)
        return cls(graph.node, library, {op.name: op for op in definitions})

    def definition(self, name: str) -> Any | None:
        """The OpDef of an op."""
        return op_definition(name) or self._definitions.get(name)

    def read(self, name: str) -> int:
        """How many results of an op are read, as far as can be told."""
        return self._read[name]

    def get_operations(self) -> list[Op]:
        """The ops: of a graph in the file's order, of a function in one of execution."""
        return self._ordered if self.building_function else list(self._ops.values())

    @cached_property
    def _ordered(self) -> list[Op]:
        ops = list(self._ops.values())
        before = {
            op.name: [
                *(tensor.op.name for tensor in op.inputs),
                *(o.name for o in op.control_inputs),
            ]
            for op in ops
        }
        return in_order(ops, before)

    @cached_property
    def outputs(self) -> list[Tensor]:
        """What a function returns, in the order of its signature."""
        signature = self._function.signature if self._function is not None else None
        results = signature.output_arg if signature is not None else ()
        return [self.found(self._function.ret[result.name]) for result in results]

    @cached_property
    def readers(self) -> dict[str, list[Op]]:
        """The ops that read each tensor, by its name."""
        found: dict[str, list[Op]] = {}
        for op in self._ops.values():
            for tensor in op.inputs:
                found.setdefault(tensor.name, []).append(op)
        return found

    def op(self, name: str, reader: Op | None = None) -> Op:
        """The op of that name.

        Raises:
            FormatError: If there is none.
        """
        try:
            return self._ops[name]
        except KeyError:
            who = f"{reader.name!r} ({reader.type})" if reader is not None else "a function"
            raise FormatError(
                f"{who} of the TF graph reads {name!r}, which the graph does not hold"
            ) from None

    def found(self, name: str, reader: Op | None = None) -> Tensor:
        """The tensor of that name: ``conv``, ``conv:1``, or in a function ``conv:output:1``.

        Raises:
            FormatError: If there is none.
        """
        producer, *places = name.split(":")
        op = self.op(producer, reader)
        try:
            return op.outputs[self._place(op, places)]
        except (IndexError, ValueError):
            raise FormatError(
                f"{name!r} is read, but {op.name!r} ({op.type}) has {len(op.outputs)} results"
            ) from None

    def _place(self, op: Op, places: list[str]) -> int:
        """The number of a result that is named by the argument of the definition and a number."""
        index = int(places[-1]) if places else 0
        if index < 0:
            raise ValueError(index)
        if len(places) < 2 or op.op_def is None:
            return index
        for argument in op.op_def.output_arg:
            if argument.name == places[0]:
                return index
            index += len(argument_kinds(op, argument))
        raise ValueError(places[0])

    def get_tensor_by_name(self, name: str) -> Tensor:
        """The tensor of that name.

        Raises:
            KeyError: If there is none.
        """
        try:
            return self.found(name)
        except FormatError as error:
            raise KeyError(name) from error

    def body(self, name: str) -> Nodes:
        """The body of a function of the library.

        Raises:
            CaptureError: If there is none of that name.
        """
        if name not in self._bodies:
            function = self.library.get(name)
            if function is None:
                raise CaptureError(f"the TF graph calls the function {name!r}, which it lacks")
            body = Nodes(function.node_def, self.library, self._definitions, function)
            body._bodies = self._bodies
            self._bodies[name] = body
        return self._bodies[name]


def _formals(function: Any) -> Iterable[Any]:
    """The arguments of a function as Placeholders."""
    for place, argument in enumerate(function.signature.input_arg):
        node = message("NodeDef")(name=argument.name, op="Placeholder")
        node.attr["dtype"].type = argument.type
        shapes = function.arg_attr[place].attr.get("_output_shapes")
        if shapes is not None:
            node.attr["_output_shapes"].CopyFrom(shapes)
        yield node
