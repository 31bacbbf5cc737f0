"""Variables that lie in a checkpoint in slices: the keys of these, and what a reader asks for.

The keys are those of tensorflow/core/util/saved_tensor_slice_util.cc, written in the ordered code
of tensorflow/core/lib/strings/ordered_code.cc.
"""

from __future__ import annotations

from collections.abc import Sequence

Extent = tuple[int, int]
"""Where a slice begins on an axis and how long it is; -1 is the whole axis."""


def key_of(name: str, extents: Sequence[Extent]) -> str:
    """The key of a slice of a tensor, as a bundle has its keys."""
    text = b"".join(_ESCAPED.get(byte, bytes([byte])) for byte in name.encode(*_CODE))
    key = _unsigned(0) + text + b"\x00\x01" + _unsigned(len(extents))
    key += b"".join(_signed(one) for pair in extents for one in pair)
    return key.decode(*_CODE)


_CODE = ("utf-8", "surrogateescape")
_ESCAPED = {0: b"\x00\xff", 255: b"\xff\x00"}
"""Bytes that the ordered code has other uses for."""


def _unsigned(number: int) -> bytes:
    size = (number.bit_length() + 7) // 8
    return bytes([size]) + number.to_bytes(size, "big")


def _signed(number: int) -> bytes:
    """As many leading ones as there are bytes, then the number; all the other way round below 0."""
    size = (~number if number < 0 else number).bit_length() // 7 + 1
    ones = (1 << size) - 1 << (size * 8 - size)
    bits = (number & ((1 << size * 8) - 1)) ^ (ones & ((1 << size * 8) - 1))
    return bits.to_bytes(size, "big")


def places(extents: Sequence[Extent], shape: Sequence[int]) -> tuple[slice, ...] | None:
    """Where a slice lies in the whole; None if it is not within it."""
    if len(extents) != len(shape):
        return None
    ends = [size if length < 0 else start + length
            for (start, length), size in zip(extents, shape, strict=True)]  # fmt: skip
    starts = [start for start, _ in extents]
    if any(not 0 <= a <= b <= size for a, b, size in zip(starts, ends, shape, strict=True)):
        return None
    return tuple(map(slice, starts, ends))


def asked(spec: bytes) -> list[Extent]:
    """The slice that a RestoreV2 reads, of ``b"8 4 0,4:-"``; empty where it reads all.

    Raises:
        ValueError: If it is not of that form.
    """
    if not spec:
        return []
    parts = spec.split(b" ")[-1].split(b":")
    return [(0, -1) if part == b"-" else _pair(part) for part in parts]


def _pair(part: bytes) -> Extent:
    start, length = map(int, part.split(b","))
    return start, length
