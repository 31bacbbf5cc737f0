"""Figures in few letters: counts, bytes, shapes."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache

from graphlens.tensor import TensorType

AIM = "→"
"""What a view's new shape begins with, and what stands between the sizes of a product."""
_COUNTS = ((10**12, "T"), (10**9, "G"), (10**6, "M"), (10**3, "k"))
_BYTES = ((10**12, "TB"), (10**9, "GB"), (10**6, "MB"), (10**3, "kB"))


def count(number: int) -> str:
    """``'25.6M'``, ``'9.4k'``, ``'640'``: three digits that matter."""
    for unit, letter in _COUNTS:
        if number >= 0.9995 * unit:
            return f"{_three(number / unit)}{letter}"
    return str(number)


def size(number: int | None) -> str:
    """``'12.8 MB'`` (10^6 bytes, as in every report); ``'?'`` where it is not known."""
    if number is None:
        return "?"
    for unit, word in _BYTES:
        if number >= 0.9995 * unit:
            return f"{_three(number / unit)} {word}"
    return f"{number} B"


def became(old: str, new: str) -> str:
    """``'64 → 128'``; ``'440 → 1000 for 400 → 1000'`` where the words have arrows of their own."""
    return (
        f"{new} for {old.removeprefix(AIM).strip()}" if AIM in old + new else f"{old} {AIM} {new}"
    )


def shapes(old: str, new: str) -> str:
    """Two shapes, the one axis that differs in brackets: ``'1×(64 → 128)×56×56'``."""
    one, other = old.split("×"), new.split("×")
    differ = [
        index for index, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]
    ]
    if len(one) != len(other) or len(differ) != 1 or len(one) < 2:
        return f"{old} {AIM} {new}"
    one[differ[0]] = f"({one[differ[0]]} {AIM} {other[differ[0]]})"
    return "×".join(one)


def as_wide(times: Fraction) -> str:
    """``'twice as wide'``, ``'half as wide'``, ``'4 times as wide'``, ``'3/2 as wide'``."""
    known = {Fraction(2): "twice", Fraction(1, 2): "half"}
    usual = f"{times} times" if times.denominator == 1 else f"{times}"
    return f"{known.get(times, usual)} as wide"


def many(number: int, noun: str) -> str:
    """``'1 operation'``, ``'12 operations'``."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


@lru_cache(maxsize=8192)
def dims(shape: tuple[object, ...] | None) -> str:
    """``'1×3×224×224'``; ``'scalar'`` for no axes, ``'?'`` where the rank is not known."""
    if shape is None:
        return "?"
    return "×".join(str(dim).replace(" ", "") for dim in shape) or "scalar"


def held(kind: TensorType) -> str:
    """``'1×3×224×224 float32'``."""
    return _held(kind.dtype, kind.shape)


@lru_cache(maxsize=8192)
def _held(dtype: str, shape: tuple[object, ...] | None) -> str:
    return f"{dims(shape)} {dtype}".replace(" undefined", "")


def number(value: float) -> str:
    """A number of a program in few digits: ``'0.125'``, ``'1e-05'``, ``'7'``."""
    return f"{value:.4g}"


def _three(value: float) -> str:
    if value >= 99.95:
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= 9.995 else f"{value:.3g}"
