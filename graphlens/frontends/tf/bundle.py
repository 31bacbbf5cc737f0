"""TensorFlow's checkpoints (TensorBundle), read without TensorFlow.

The index is a table of LevelDB's format (table_format.md of google/leveldb): keys and values in
blocks, keys shortened by what they share with the one before, and a block that lists the blocks.
No library reads it that is kept up and has no database around it; what is needed of it is here, in
less than a hundred lines. The arrays lie in the data files as they are in memory.
"""

from __future__ import annotations

import math
import mmap
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from graphlens.errors import FormatError
from graphlens.frontends.tf.schema import dtype_of, numpy_dtype, parsed
from graphlens.frontends.tf.slices import asked, key_of, places

_MAGIC = 0xDB4775248B80FB57
_FOOTER = 48
_LARGEST = 2**28
"""Bytes of an index: of 1,000,000 variables it has some 100 MB."""


class Bundle:
    """The tensors of a checkpoint, by name; arrays are the files' own memory, read when needed."""

    def __init__(self, prefix: Path) -> None:
        """The checkpoint of that prefix (``variables/variables``).

        Raises:
            FormatError: If its index is not there or not whole.
        """
        self._prefix = prefix
        index = prefix.with_name(f"{prefix.name}.index")
        try:
            if index.stat().st_size > _LARGEST:
                raise FormatError(f"{index}: an index of {index.stat().st_size} bytes is none")
            content = index.read_bytes()
        except OSError as error:
            raise FormatError(f"{index}: cannot be read ({error.strerror})") from error
        self._index = index
        try:
            pairs = dict(_table(content))
        except (ValueError, IndexError, struct.error) as error:
            raise FormatError(f"{index}: not the index of a checkpoint, or cut: {error}") from error
        header = parsed("BundleHeaderProto", pairs.pop(b"", b""), str(index))
        if header.endianness:
            raise FormatError(f"{index}: a checkpoint of a big-endian machine: write it anew here")
        self._shards = max(header.num_shards, 1)
        self._entries = {key.decode("utf-8", "surrogateescape"): pairs[key] for key in pairs}
        self._files: dict[int, Any] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """The names of its tensors."""
        return tuple(self._entries)

    def array(self, name: str, spec: bytes = b"") -> np.ndarray | None:
        """A tensor, or a slice of it; None if it is not there.

        Args:
            name: The tensor.
            spec: The slice, as RestoreV2 spells it (``b"8 4 0,4:-"``); empty is all of it.

        Raises:
            FormatError: If its entry does not fit the data.
        """
        if name not in self._entries:
            return None
        entry = parsed("BundleEntryProto", self._entries[name], f"{self._index}: {name!r}")
        whole = self._joined(name, entry) if entry.slices else self._dense(name, entry)
        try:
            extents = asked(spec)
        except ValueError as error:
            raise FormatError(f"{self._index}: {name!r} is read at {spec!r}: {error}") from error
        place = places(extents, whole.shape) if extents else ()
        if place is None:
            raise FormatError(f"{self._index}: {name!r} {whole.shape} has no slice {spec!r}")
        return whole[place] if place else whole

    def _joined(self, name: str, entry: Any) -> np.ndarray:
        """A tensor that lies in slices, each under a key of its own."""
        shape = tuple(dim.size for dim in entry.shape.dim)
        parts: list[tuple[tuple[slice, ...], np.ndarray]] = []
        for each in entry.slices:
            extents = [(e.start, e.length if e.HasField("length") else -1) for e in each.extent]
            place, part = places(extents, shape), self.array(key_of(name, extents))
            if place is None or part is None:
                raise FormatError(f"{self._index}: {name!r} {shape} lacks its slice {extents}")
            parts.append((place, part))
        # no more is allocated than lies in the file
        if sum(part.size for _, part in parts) != math.prod(shape):
            raise FormatError(f"{self._index}: {name!r} {shape} is not the sum of its slices")
        whole = np.empty(shape, parts[0][1].dtype)
        for place, part in parts:
            if whole[place].shape != part.shape or part.dtype != whole.dtype:
                raise FormatError(f"{self._index}: {name!r} has slices of another shape or dtype")
            whole[place] = part
        return whole

    def _dense(self, name: str, entry: Any) -> np.ndarray:
        """A tensor that lies in one piece."""
        kind = dtype_of(entry.dtype).name
        dtype = numpy_dtype(kind)
        shape = tuple(dim.size for dim in entry.shape.dim)
        count = 1
        for size in shape:
            count *= size
        content = self._data(entry.shard_id)
        end = entry.offset + entry.size
        if (
            not 0 <= entry.offset <= end <= len(content)
            or dtype is None
            or min(shape, default=0) < 0
        ):
            raise FormatError(
                f"{self._index}: {name!r} ({kind} {shape}) lies at {entry.offset} to {end} of a "
                f"file of {len(content)} bytes"
            )
        if kind == "string":
            return _texts(content[entry.offset : end], count, name).reshape(shape)
        if entry.size != count * dtype.itemsize:
            raise FormatError(f"{self._index}: {name!r} has {entry.size} bytes for {kind} {shape}")
        return np.frombuffer(content, dtype, count, entry.offset).reshape(shape)

    def _data(self, shard: int) -> Any:
        if shard not in self._files:
            name = f"{self._prefix.name}.data-{shard:05d}-of-{self._shards:05d}"
            path = self._prefix.with_name(name)
            try:
                with path.open("rb") as file:
                    empty = path.stat().st_size == 0
                    self._files[shard] = (
                        b"" if empty else mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
                    )
            except OSError as error:
                raise FormatError(f"{path}: cannot be read ({error.strerror})") from error
        return self._files[shard]


def _texts(content: bytes, count: int, name: str) -> np.ndarray:
    """Texts: all their lengths, four bytes of checksum, then the texts."""
    place, lengths = 0, []
    if count > len(content):
        raise FormatError(f"{name!r}: {count} texts in {len(content)} bytes")
    for _ in range(count):
        length, place = _number(content, place)
        lengths.append(length)
    place += 4
    made = np.empty(count, object)
    for index, length in enumerate(lengths):
        made[index] = content[place : place + length]
        place += length
    return made


# -- the table ------------------------------------------------------------------------------


def _table(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Every key and value."""
    if len(content) < _FOOTER or struct.unpack("<Q", content[-8:])[0] != _MAGIC:
        raise ValueError("the last bytes are not those of a table")
    footer = content[-_FOOTER:]
    _, place = _handle(footer, 0)
    (start, size), _ = _handle(footer, place)
    for _, value in _block(content, start, size):
        yield from _block(content, *_handle(value, 0)[0])


def _block(content: bytes, start: int, size: int) -> Iterator[tuple[bytes, bytes]]:
    """The entries of a block: how much of the key is the last one's, the rest of it, the value."""
    block = content[start : start + size]
    if len(block) < size or size < 4 or start + size >= len(content):
        raise ValueError(f"a block at {start} of {size} bytes is not there")
    if content[start + size]:
        raise ValueError("its blocks are compressed, which TensorFlow does not do")
    restarts = struct.unpack("<I", block[-4:])[0]
    end = size - 4 * (restarts + 1)
    if end < 0:
        raise ValueError(f"a block of {size} bytes with {restarts} restarts")
    place, key = 0, b""
    while place < end:
        shared, place = _number(block, place)
        rest, place = _number(block, place)
        length, place = _number(block, place)
        if shared > len(key) or place + rest + length > end:
            raise ValueError(f"an entry at {place} is longer than its block")
        key = key[:shared] + block[place : place + rest]
        place += rest
        yield key, block[place : place + length]
        place += length


def _handle(content: bytes, place: int) -> tuple[tuple[int, int], int]:
    """Where a block starts and how long it is."""
    start, place = _number(content, place)
    size, place = _number(content, place)
    return (start, size), place


def _number(content: bytes, place: int) -> tuple[int, int]:
    """A varint, and where it ends."""
    value = shift = 0
    while True:
        byte = content[place]
        value |= (byte & 127) << shift
        place, shift = place + 1, shift + 7
        if byte < 128:
            return value, place
        if shift > 63:
            raise ValueError("a number of more than 64 bits")
