"""Taking the weights out of an ONNX file's bytes before they are parsed.

Parsing a file copies its weights twice: into the message, and out of it. A protobuf message is a
list of fields, each a tag, a length and the content (protobuf.dev/programming-guides/encoding), so
the few fields on the way to ``graph.initializer.raw_data`` are walked by hand, large ``raw_data``
is left out of what is parsed, and its place in the file is remembered.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from graphlens.ops.proto import field_header

_GRAPH, _INITIALIZER, _NAME, _RAW_DATA = 7, 5, 8, 9
"""Numbers of ModelProto.graph, GraphProto.initializer, TensorProto.name and .raw_data."""

_LARGE = 4096
"""Bytes from which raw_data is left out."""

Buffer = memoryview


class Place(NamedTuple):
    """Where in a file the bytes of a tensor are."""

    offset: int
    length: int


class _Field(NamedTuple):
    number: int
    start: int
    content: int
    end: int


def without_weights(content: Buffer) -> tuple[bytes, dict[str, Place]]:
    """The model's bytes without its large weights, and where these are, by tensor name.

    Raises:
        ValueError: If the bytes are not those of a model with one graph; parse them whole then.
    """
    places: dict[str, Place] = {}
    model = list(_fields(content, 0, len(content)))
    graphs = [field for field in model if field.number == _GRAPH]
    if len(graphs) != 1:
        raise ValueError("one graph is needed")
    parts: list[bytes | Buffer] = []
    copied = graphs[0].content
    for field in _fields(content, graphs[0].content, graphs[0].end):
        if field.number != _INITIALIZER:
            continue
        light = _without_raw_data(content, field, places)
        if light is not None:
            parts += [content[copied : field.start], light]
            copied = field.end
    parts.append(content[copied : graphs[0].end])
    graph = b"".join(parts)
    whole = [content[: graphs[0].start], field_header(_GRAPH, len(graph)), graph]
    return b"".join([*whole, content[graphs[0].end :]]), places


def _without_raw_data(content: Buffer, tensor: _Field, places: dict[str, Place]) -> bytes | None:
    """The tensor as a field without its raw_data, or None if that is small or not its only one."""
    inner = list(_fields(content, tensor.content, tensor.end))
    names = [field for field in inner if field.number == _NAME]
    raw = [field for field in inner if field.number == _RAW_DATA]
    if len(names) != 1 or len(raw) != 1 or raw[0].end - raw[0].content < _LARGE:
        return None
    name = bytes(content[names[0].content : names[0].end]).decode()
    if name in places:
        raise ValueError("two initializers have one name")
    places[name] = Place(raw[0].content, raw[0].end - raw[0].content)
    kept = bytes(content[tensor.content : raw[0].start]) + bytes(content[raw[0].end : tensor.end])
    return field_header(_INITIALIZER, len(kept)) + kept


def _fields(content: Buffer, place: int, end: int) -> Iterator[_Field]:
    """The fields of a message between two places."""
    while place < end:
        start = place
        tag, place = _varint(content, place, end)
        kind = tag & 7
        if kind == 2:
            length, place = _varint(content, place, end)
            stop = place + length
        elif kind == 0:
            _, stop = _varint(content, place, end)
        elif kind in (1, 5):
            stop = place + (8 if kind == 1 else 4)
        else:
            raise ValueError(f"wire type {kind}")
        if stop > end:
            raise ValueError("a field ends behind its message")
        yield _Field(tag >> 3, start, place, stop)
        place = stop


def _varint(content: Buffer, place: int, end: int) -> tuple[int, int]:
    value = shift = 0
    while place < end and shift < 70:
        byte = content[place]
        place += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, place
        shift += 7
    raise ValueError("a number has no end")
