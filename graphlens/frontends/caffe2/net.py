"""Capture from a pair of Caffe2 nets: one that fills the weights, one that predicts."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError

from graphlens.errors import CaptureError, FormatError, UsageError
from graphlens.frontends.caffe2 import image, math, shape
from graphlens.frontends.caffe2.call import Call, Row
from graphlens.frontends.caffe2.fill import filled, is_fill
from graphlens.frontends.caffe2.proto import DTYPES, NetDef
from graphlens.ir.graph import Graph
from graphlens.ir.node import Source, Value
from graphlens.ops.build import Builder
from graphlens.tensor import UNDEFINED, Dim, TensorType

ROWS: dict[str, Row] = {**math.ROWS, **image.ROWS, **shape.ROWS}
"""The op table: Caffe2's op type -> the row that writes it in ONNX's vocabulary. An op that has
none, or whose row returns None, stays Caffe2's own."""


def capture(
    model: str | Path,
    *inputs: Any,
    kwargs: Mapping[str, Any] | None = None,
    dynamic_shapes: Any = None,
) -> Graph:
    """The graph of a Caffe2 net.

    The weights are those of the init net beside it, and Params without a value where there is
    none. What it is fed and the shapes of that are told by the inputs given, else by the
    ``value_info.json`` that the model zoo has beside its nets, else an image net's channels by
    its first convolution.

    Args:
        model: The path of a ``predict_net.pb``, of the ``init_net.pb`` beside it, or of the folder
            that holds both.
        inputs: Arrays or `TensorType`s that the net is fed with, in the order of its external
            inputs.
        kwargs: Not supported: a net's inputs have an order.
        dynamic_shapes: Not supported: sizes may be symbols of a `TensorType`.

    Raises:
        FormatError: If a file is no NetDef, or the net is not well formed.
        CaptureError: If another number of inputs is given than the net has.
        UsageError: If a file does not exist.
    """
    if kwargs or dynamic_shapes is not None:
        raise UsageError(
            "the inputs of a Caffe2 net are given in their order: leave out names (NAME=) and "
            "dynamic_shapes"
        )
    predict_path, init_path = _pair(Path(model))
    predict = _read(predict_path)
    weights = {} if init_path is None else _weights(_read(init_path))
    graph = Graph(name=predict.name or predict_path.stem)
    graph.graph["capture"] = "caffe2"
    try:
        _Net(predict, weights, graph).translate(_stated(predict_path), inputs)
    except FormatError as error:
        raise FormatError(f"{predict_path}: {error}") from error
    return graph


# -- files ----------------------------------------------------------------------------------


def _pair(path: Path) -> tuple[Path, Path | None]:
    """The files of the net that predicts and of the one that fills its weights."""
    if path.is_dir():
        path = path / "predict_net.pb"
    if (
        "init" in path.name
        and (other := path.with_name(_swapped(path, "init", "predict"))).exists()
    ):
        return other, path
    beside = path.with_name(_swapped(path, "predict", "init"))
    return path, beside if beside != path and beside.is_file() else None


def _swapped(path: Path, word: str, other: str) -> str:
    return other.join(path.name.rsplit(word, 1))


def _read(path: Path) -> Any:
    net = NetDef()
    try:
        net.ParseFromString(path.read_bytes())
    except OSError as error:
        raise UsageError(f"cannot read {str(path)!r}: {error.strerror or error}") from error
    except (DecodeError, RuntimeError) as error:
        raise FormatError(f"{path}: not a Caffe2 NetDef, or truncated ({error})") from error
    texts = [net.name, *net.external_input, *net.external_output]
    texts += [text for op in net.op for text in (op.type, op.name, *op.input, *op.output)]
    texts += [each.name for op in net.op for each in op.arg]
    if not all(isinstance(text, str) for text in texts):
        raise FormatError(f"{path}: not a Caffe2 NetDef: a name in it is no text")
    if not net.op:
        raise FormatError(f"{path}: not a Caffe2 NetDef: it has no ops")
    return net


def _weights(init: Any) -> dict[str, tuple[str, np.ndarray]]:
    """What an init net fills, with the op that does so."""
    found: dict[str, tuple[str, np.ndarray]] = {}
    for op in init.op:
        if is_fill(op.type) and not op.input and op.output:
            found[op.output[0]] = op.type, filled(op)
    return found


def _stated(path: Path) -> dict[str, TensorType]:
    """What ``value_info.json`` says of the inputs: name -> [dtype, shape]."""
    beside = path.with_name("value_info.json")
    try:
        held = json.loads(beside.read_text()) if beside.is_file() else {}
        return {
            str(name): TensorType(DTYPES.get(dtype, UNDEFINED), tuple(int(dim) for dim in shape))
            for name, (dtype, shape) in held.items()
        }
    except (OSError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise FormatError(f"{beside}: not a table of name: [dtype, shape] ({error})") from error


# -- the net --------------------------------------------------------------------------------


class _Net:
    """One net under translation: what each blob is now; ops may write a blob again."""

    def __init__(
        self, proto: Any, weights: Mapping[str, tuple[str, np.ndarray]], graph: Graph
    ) -> None:
        self._proto = proto
        self._weights = weights
        self._builder = Builder(graph)
        self._blobs: dict[str, Value] = {}
        self._readers: dict[str, list[tuple[Any, int]]] = {}
        for op in proto.op:
            for index, name in enumerate(op.input):
                self._readers.setdefault(name, []).append((op, index))

    def translate(self, stated: Mapping[str, TensorType], given: Sequence[Any]) -> None:
        fed = self._fed(stated)
        if given and len(given) != len(fed):
            raise CaptureError(f"the net is fed {fed}, given {len(given)} inputs")
        types = [_type_of(each) for each in given] or [
            stated.get(name) or self._guessed(name) for name in fed
        ]
        for name, held in zip(fed, types, strict=True):
            self._blobs[name] = self._builder.input(_title(name), held)
        for op in self._proto.op:
            self._operation(op)
        names = list(self._proto.external_output) or _unread(self._proto.op)
        missing = [name for name in names if name not in self._blobs]
        if missing:
            raise FormatError(f"nothing makes its outputs {missing}")
        self._builder.scope, self._builder.source = "", Source()
        self._builder.output([self._blobs[name] for name in names], list(map(_title, names)))

    def _fed(self, stated: Mapping[str, TensorType]) -> list[str]:
        """The blobs that the net is fed: read, and not made by either net.

        Exporters let the init net fill the input, too, with zeros or a number of a constant.
        """
        made: set[str] = set()
        wanted: dict[str, None] = {}
        for op in self._proto.op:
            wanted.update(dict.fromkeys(name for name in op.input if name not in made))
            made.update(op.output)
        if self._weights:
            fed = [name for name in wanted if name not in self._weights or name in stated]
        else:
            fed = [name for name in wanted if self._is_data(name)]
        if not fed and wanted:
            first = next(iter(self._proto.external_input), next(iter(wanted)))
            if self._is_data(first):
                fed = [first]
        order = list(self._proto.external_input)
        return sorted(fed, key=lambda name: order.index(name) if name in order else len(order))

    def _is_data(self, name: str) -> bool:
        """Whether a blob stands where ops have their data: as the first operand."""
        return all(index == 0 for _, index in self._readers.get(name, ()))

    def _guessed(self, name: str) -> TensorType:
        """An image of as many channels as the first convolution of it takes, else any float."""
        for op, index in self._readers.get(name, ()):
            if index or not op.type.startswith("Conv") or op.type.startswith("ConvTranspose"):
                continue
            kind, weight = self._weights.get(op.input[1], ("", None))
            told = {each.name: each for each in op.arg}
            if kind and weight is not None and weight.ndim == 4 and "order" not in told:
                groups = told["group"].i if "group" in told else 1
                dims: tuple[Dim, ...] = ("N", weight.shape[1] * groups, "H", "W")
                return TensorType("float32", dims)
        return TensorType("float32", None)

    def _operation(self, op: Any) -> None:
        title = _title(op.output[0]) if op.output else op.name or op.type.lower()
        builder = self._builder
        builder.scope = title.rpartition(".")[0]
        builder.source = Source(f"caffe2.{op.type}")
        if is_fill(op.type) and not op.input and op.output:
            array = filled(op)
            if array.dtype != object:  # a Builder's literals are numbers
                self._blobs[op.output[0]] = builder.const(array, str(array.dtype), name=title)
                return
        operands = [self._read(name, op) for name in op.input]
        builder.scope = title.rpartition(".")[0]
        call = Call(builder, op, title, operands)
        made = _said(call) if operands else None
        if made is None:
            made = call.foreign()
        results = [made] if isinstance(made, Value) else list(made)
        for name, value in zip(op.output, results, strict=False):
            if value is not None:
                self._blobs[name] = value
        for name in op.output[len(results) :]:
            self._blobs.pop(name, None)

    def _read(self, name: str, op: Any) -> Value:
        if name in self._blobs:
            return self._blobs[name]
        if name not in self._weights and name not in self._proto.external_input:
            raise FormatError(
                f"{op.name or op.output[:1]} ({op.type}) reads {name!r}, which nothing makes"
            )
        array = self._weights.get(name, ("", None))[1]
        held = TensorType("float32", None)
        if array is not None:
            dtype = "string" if array.dtype == object else str(array.dtype)
            held = TensorType(dtype, array.shape)
        title = _title(name)
        self._builder.scope = title.rpartition(".")[0]
        self._blobs[name] = self._builder.param(title, held, array)
        return self._blobs[name]


def _said(call: Call) -> Value | Sequence[Value | None] | None:
    """What the op's row makes of it, None where it has none or the op is not well formed."""
    row = ROWS.get(call.type)
    try:
        return None if row is None else row(call)
    except (IndexError, ValueError, TypeError, KeyError, ZeroDivisionError):
        return None  # a stranger's op may lack operands, or have arguments of another kind


def _unread(ops: Sequence[Any]) -> list[str]:
    """The blobs of those ops of which nobody reads any result."""
    waiting: dict[str, int] = {}
    read: set[int] = set()
    for index, op in enumerate(ops):
        read.update(waiting[name] for name in op.input if name in waiting)
        waiting.update(dict.fromkeys(op.output, index))
    return [name for name, index in waiting.items() if index not in read]


def _title(blob: str) -> str:
    """A blob's name as a path: ``fire2/conv_w`` is in the scope ``fire2``."""
    return ".".join(part for part in blob.split("/") if part) or "blob"


def _type_of(given: Any) -> TensorType:
    if isinstance(given, TensorType):
        return given
    array = np.asarray(given)
    return TensorType(str(array.dtype), tuple(array.shape))
