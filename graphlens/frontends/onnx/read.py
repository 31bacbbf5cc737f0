"""An ONNX model as a Graph, node by node in topological order."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import zip_longest

import numpy as np
import onnx

from graphlens.errors import FormatError
from graphlens.frontends.onnx.functions import version_of
from graphlens.frontends.onnx.order import in_order, title_of
from graphlens.frontends.onnx.origin import Origin, origin, plain_type
from graphlens.frontends.onnx.upgrade import Upgrade, must_upgrade, upgraded
from graphlens.frontends.onnx.weights import Weights
from graphlens.ir.graph import Graph
from graphlens.ir.node import CONST, INPUT, OURS, OUTPUT, PARAM, Attribute, Node, Value
from graphlens.ops.infer import infer
from graphlens.ops.proto import DTYPES, free_names, plain_attribute, tensor_type
from graphlens.ops.quick import quick
from graphlens.ops.schema import defaults
from graphlens.ops.values import propagate
from graphlens.tensor import UNKNOWN, TensorType

_SMALL = 64
"""Elements of an integer initializer up to which it is taken for a literal of the program."""

_MISSING = object()


@dataclass
class _Scope:
    """One graph being read: a model's main graph or a subgraph.

    Attributes:
        graph: What has been made of it.
        values: Our value of each of its value names.
        types: What the file says of the types of its values.
        known: Values that are known without running: shapes and what is worked out from them;
            object arrays of sizes and symbols where a symbol is among them.
    """

    graph: Graph
    values: dict[str, Value] = field(default_factory=dict)
    types: dict[str, TensorType] = field(default_factory=dict)
    known: dict[Value, np.ndarray] = field(default_factory=dict)


class Reader:
    """Reads one model.

    Raises:
        FormatError: If the graph is not well formed.
    """

    def __init__(self, versions: Mapping[str, int], weights: Weights) -> None:
        """A reader of a model that speaks these versions of its domains."""
        self._version = versions.get("", 0)
        self._weights = weights
        self._taken: set[str] = set()
        self._trusts_types = True

    def main(
        self, proto: onnx.GraphProto, given: Sequence[TensorType] | None, graph: Graph
    ) -> Graph:
        """Read the main graph into ``graph``; ``given`` are types that its inputs are to have."""
        scope = _Scope(graph)
        initializers = {tensor.name for tensor in proto.initializer}
        inputs = [entry for entry in proto.input if entry.name not in initializers]
        if given is not None and len(given) != len(inputs):
            names = [entry.name for entry in inputs]
            raise FormatError(f"the model takes {len(names)} inputs {names}, given {len(given)}")
        for index, entry in enumerate(inputs):
            stated = plain_type(tensor_type(entry.type))
            held = given[index] if given is not None else stated
            self._trusts_types = self._trusts_types and held == stated
            self._formal(scope, entry.name, held)
        self._fill(scope, proto, main=True)
        return graph

    # -- one graph --------------------------------------------------------------------------

    def _fill(self, scope: _Scope, proto: onnx.GraphProto, main: bool = False) -> None:
        self._taken |= {name for node in proto.node for name in (*node.input, *node.output)}
        if self._trusts_types:
            for entry in (*proto.value_info, *proto.output):
                scope.types[entry.name] = plain_type(tensor_type(entry.type))
        for tensor in proto.initializer:
            read = self._weights.initializer if main else self._weights.array
            self._initializer(scope, tensor, read(tensor))
        for sparse in proto.sparse_initializer:
            self._initializer(scope, sparse.values, self._weights.dense(sparse))
        for node in in_order(proto.node, scope.values):
            self._node(scope, node)
        outputs = [self._value(scope, entry.name, "the graph's output") for entry in proto.output]
        names = tuple(entry.name for entry in proto.output)
        scope.graph.add(Node(OUTPUT, OURS, {"names": names}), outputs, "output")

    def _formal(self, scope: _Scope, name: str, held: TensorType) -> None:
        if name in scope.values:
            raise FormatError(f"two inputs are called {name!r}")
        made = scope.graph.add(Node(INPUT, OURS, results=(held,)), name=name or "input")
        scope.values[name] = Value(made)

    def _initializer(self, scope: _Scope, tensor: onnx.TensorProto, array: np.ndarray) -> None:
        held = TensorType(DTYPES[tensor.data_type], tuple(array.shape))
        op = CONST if _is_literal(tensor, array) else PARAM
        self._stored(scope, tensor.name, Node(op, OURS, results=(held,)), array, tensor.name)

    def _stored(self, scope: _Scope, name: str, node: Node, array: np.ndarray, hint: str) -> None:
        if name in scope.values:
            raise FormatError(f"the value {name!r} is made twice")
        made = scope.graph.add(node, name=hint)
        scope.graph.weights[made] = array
        scope.values[name] = Value(made)
        if array.size <= _SMALL:
            scope.known[Value(made)] = array

    def _value(self, scope: _Scope, name: str, where: str) -> Value:
        try:
            return scope.values[name]
        except KeyError:
            raise FormatError(f"{where} reads {name!r}, which nothing makes") from None

    # -- one node ---------------------------------------------------------------------------

    def _node(self, scope: _Scope, proto: onnx.NodeProto) -> None:
        version = version_of(proto, self._version)
        if proto.op_type == "Constant" and proto.domain in ("", "ai.onnx"):
            self._constant(scope, proto)
        elif proto.domain in ("", "ai.onnx") and must_upgrade(proto.op_type, version):
            types = [self._type(scope, name) for name in proto.input]
            about = origin(proto, title_of(proto))
            for step in upgraded(proto, Upgrade(version, types, self._fresh)):
                if step.op_type == "Constant":
                    self._constant(scope, step, about)
                else:
                    self._operation(scope, step, about)
        else:
            self._operation(scope, proto, origin(proto, title_of(proto)))

    def _operation(self, scope: _Scope, proto: onnx.NodeProto, about: Origin) -> None:
        graph, where = scope.graph, f"node {proto.name or title_of(proto)!r} ({proto.op_type})"
        domain = "" if proto.domain == "ai.onnx" else proto.domain
        operands = [self._value(scope, name, where) if name else None for name in proto.input]
        attributes = self._attributes(proto, domain, where)
        regions, outer = self._regions(scope, proto, where)
        if outer and proto.op_type != "If":
            attributes["captures"] = len(outer)
        operands += outer
        stated = tuple(scope.types.get(name, UNKNOWN) for name in proto.output)
        node = Node(
            op=proto.op_type,
            domain=domain,
            attributes=attributes,
            results=_dtype_of_fill(proto) or stated,
            scope=about.scope,
            source=about.source,
            origins=about.origins,
            regions=regions,
        )
        types = [None if value is None else graph.type_of(value) for value in operands]
        values = [None if value is None else scope.known.get(value) for value in operands]
        try:
            results = self._results(node, types, values, stated)
        except FormatError as error:
            raise FormatError(f"{where}: {error}") from error
        for path, kind in about.classes:
            graph.scopes.setdefault(path, kind)
        made = graph.add(replace(node, results=results), operands, about.name)
        self._bind(scope, made, proto.output, where)
        for index, value in enumerate(propagate(node, types, values)):
            if value is not None:
                scope.known[Value(made, index)] = value

    def _bind(self, scope: _Scope, made: str, names: Sequence[str], where: str) -> None:
        for index, name in enumerate(names):
            if name in scope.values:
                raise FormatError(f"the value {name!r} is made twice, again by {where}")
            if name:
                scope.values[name] = Value(made, index)

    def _attributes(self, proto: onnx.NodeProto, domain: str, where: str) -> dict[str, Attribute]:
        usual = defaults(proto.op_type, domain)
        made: dict[str, Attribute] = {}
        for entry in proto.attribute:
            if entry.type == onnx.AttributeProto.GRAPH:
                continue
            value = self._attribute(entry, where)
            if usual.get(entry.name, _MISSING) != value:
                made[entry.name] = value
        return made

    def _regions(
        self, scope: _Scope, proto: onnx.NodeProto, where: str
    ) -> tuple[dict[str, Graph], list[Value]]:
        """The node's subgraphs, closed, and the outer values that they read."""
        kind = onnx.AttributeProto.GRAPH
        bodies = {entry.name: entry.g for entry in proto.attribute if entry.type == kind}
        if not bodies:
            return {}, []
        outer = self._captured(scope, bodies, where)
        formals = _formals(proto, [self._type(scope, name) for name in proto.input])
        regions = {key: self._body(scope, body, outer, formals) for key, body in bodies.items()}
        return regions, [scope.values[name] for name in outer]

    def _results(
        self,
        node: Node,
        types: Sequence[TensorType | None],
        values: Sequence[np.ndarray | None],
        stated: tuple[TensorType, ...],
    ) -> tuple[TensorType, ...]:
        """What the file states, made whole and put right by what can be worked out.

        Where it is whole, only ops whose types cost nothing to work out are looked at again.
        """
        if all(held.shape is not None and "?" not in held.shape for held in stated):
            found = quick(node, types, values) if len(stated) == 1 else None
            worked_out = stated if found is None else (found,)
        else:
            worked_out = infer(node, types, values, len(stated))
        return tuple(map(_merged, stated, worked_out))

    def _attribute(self, entry: onnx.AttributeProto, where: str) -> Attribute:
        try:
            if entry.type == onnx.AttributeProto.TENSOR:
                return _nested(self._weights.array(entry.t).tolist())
            return plain_attribute(entry)
        except (ValueError, TypeError) as error:
            raise FormatError(f"{where}: attribute {entry.name!r}: {error}") from error

    def _constant(self, scope: _Scope, proto: onnx.NodeProto, about: Origin | None = None) -> None:
        where = f"node {proto.name or title_of(proto)!r} (Constant)"
        if len(proto.attribute) != 1 or len(proto.output) != 1:
            raise FormatError(f"{where} must have one value and one output")
        entry = proto.attribute[0]
        if entry.name == "value":
            array = self._weights.array(entry.t)
            dtype = DTYPES[entry.t.data_type]
        elif entry.name == "sparse_value":
            array = self._weights.dense(entry.sparse_tensor)
            dtype = DTYPES[entry.sparse_tensor.values.data_type]
        elif entry.name in _CONSTANTS:
            dtype = _CONSTANTS[entry.name]
            plain = plain_attribute(entry)
            array = np.array(plain, object if dtype == "string" else dtype)
        else:
            raise FormatError(f"{where}: {entry.name!r} is not supported")
        held = TensorType(dtype, tuple(array.shape))
        found = about or origin(proto, title_of(proto))
        hint = proto.output[0] if about is None else f"{found.name}.const"
        node = Node(CONST, OURS, results=(held,), scope=found.scope, source=found.source)
        self._stored(scope, proto.output[0], node, array, hint)

    # -- subgraphs --------------------------------------------------------------------------

    def _captured(
        self, scope: _Scope, bodies: Mapping[str, onnx.GraphProto], where: str
    ) -> list[str]:
        """Names of the outer values that any of a node's subgraphs reads, in order."""
        names = dict.fromkeys(name for body in bodies.values() for name in free_names(body))
        for name in names:
            self._value(scope, name, where)
        return list(names)

    def _body(
        self,
        outer: _Scope,
        proto: onnx.GraphProto,
        captured: Iterable[str],
        formals: Sequence[TensorType],
    ) -> Graph:
        scope = _Scope(Graph(name=proto.name))
        for entry, held in zip_longest(proto.input, formals[: len(proto.input)], fillvalue=UNKNOWN):
            stated = plain_type(tensor_type(entry.type))
            self._formal(scope, entry.name, _merged(stated, held))
        for name in captured:
            value = outer.values[name]
            self._formal(scope, name, outer.graph.type_of(value))
            if value in outer.known:
                scope.known[scope.values[name]] = outer.known[value]
        self._fill(scope, proto)
        return scope.graph

    # -- names and types --------------------------------------------------------------------

    def _type(self, scope: _Scope, name: str) -> TensorType | None:
        value = scope.values.get(name)
        return None if value is None else scope.graph.type_of(value)

    def _fresh(self, hint: str) -> str:
        name, number = hint, 0
        while name in self._taken:
            number += 1
            name = f"{hint}_{number}"
        self._taken.add(name)
        return name


def _formals(proto: onnx.NodeProto, given: Sequence[TensorType | None]) -> list[TensorType]:
    """What the op itself says of the types of its body's inputs; a state may change its shape."""
    known = [UNKNOWN if held is None else held.with_shape(None) for held in given]
    if proto.op_type == "Loop":
        return [TensorType("int64", ()), TensorType("bool", ()), *known[2:]]
    return known if proto.op_type == "Scan" else []


_CONSTANTS = {
    "value_float": "float32",
    "value_floats": "float32",
    "value_int": "int64",
    "value_ints": "int64",
    "value_string": "string",
    "value_strings": "string",
}


def _is_literal(tensor: onnx.TensorProto, array: np.ndarray) -> bool:
    """Whether an initializer is a literal of the program and no weight.

    Exporters store both as initializers: a shape, an index and a scalar are literals; but not what
    is named as a module's member.
    """
    if any(e.key == "graphlens.op" and e.value == CONST for e in tensor.metadata_props):
        return True
    if any(e.key.startswith("graphlens.") for e in tensor.metadata_props):
        return False
    if array.size > _SMALL or array.ndim > 1:
        return False
    anonymous = "." not in tensor.name or re.fullmatch(r"val_\d+", tensor.name) is not None
    return anonymous and (array.ndim == 0 or array.dtype.kind in "iub")


def _dtype_of_fill(proto: onnx.NodeProto) -> tuple[TensorType, ...]:
    """The dtype of what ConstantOfShape makes: a plain attribute does not tell it."""
    if proto.op_type != "ConstantOfShape":
        return ()
    held = [DTYPES.get(entry.t.data_type, "float32") for entry in proto.attribute]
    return (TensorType(held[0] if held else "float32", None),)


def _merged(stated: TensorType, worked_out: TensorType) -> TensorType:
    """What two sources tell of one type; a size is more than a symbol, a symbol more than '?'."""
    unknown = UNKNOWN.dtype
    if stated.dtype != worked_out.dtype and unknown not in (stated.dtype, worked_out.dtype):
        raise FormatError(f"a value is said to be {stated}, and what makes it gives {worked_out}")
    dtype = worked_out.dtype if stated.dtype == unknown else stated.dtype
    one, other = stated.shape, worked_out.shape
    if other is None:
        return TensorType(dtype, one)
    if one is None or len(one) != len(other):
        return TensorType(dtype, other)
    pairs = zip(one, other, strict=True)
    return TensorType(dtype, tuple(b if a == "?" or isinstance(b, int) else a for a, b in pairs))


def _nested(value: object) -> Attribute:
    return tuple(map(_nested, value)) if isinstance(value, list) else value  # type: ignore[return-value]
