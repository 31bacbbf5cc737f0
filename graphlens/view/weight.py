"""What is known of a weight or constant: its type, and where its values are there, their spread."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from graphlens.errors import unknown_name
from graphlens.ir import Graph, Value
from graphlens.view import words
from graphlens.view.operand import Operand
from graphlens.view.page_data import Weight

HOW = ("some", "all", "none")
"""Whose values are looked at: those of weights that are not too large, of all, of none."""
_LARGE, _BUDGET = 4_000_000, 64_000_000
"""Elements that a weight, and all weights together, may have for their values to be looked at."""
_FIRST, _BINS, _SAMPLE = 8, 24, 50_000
"""Values that are listed; bins of the distribution, and how many values it is taken of."""
_FLOATS = ("float32", "float64")
_BARS = "▁▂▃▄▅▆▇█"


class Weights:
    """The weights of a page as they are met, each once."""

    def __init__(self, how: str = "some") -> None:
        """None yet.

        Raises:
            UsageError: If ``how`` is none of `HOW`.
        """
        if how not in HOW:
            raise unknown_name("choice of weight values", how, HOW)
        self._how = how
        self._left = _BUDGET
        self._rows: dict[int, tuple[tuple[str, str], ...]] = {}
        self._kept: list[np.ndarray] = []
        self._place: dict[Weight, int] = {}

    @property
    def found(self) -> tuple[Weight, ...]:
        """All so far."""
        return tuple(self._place)

    def of(self, graph: Graph, read: Operand) -> int:
        """The place of the weight or constant that an operand is; -1 if it is not one."""
        roots = [name for name, _ in read.weights] or [read.name]
        if read.role == "value" or len(roots) > 1 or roots[0] not in graph:
            return -1
        held, array = graph.type_of(Value(roots[0])), graph.weights.get(roots[0])
        rows = (
            ("dtype", held.dtype),
            ("shape", words.dims(held.shape)),
            ("bytes", words.size(held.nbytes)),
            *(self._spread(array) if array is not None else (("values", "not known"),)),
        )
        return self._place.setdefault(Weight(roots[0], rows), len(self._place))

    def _spread(self, array: np.ndarray) -> tuple[tuple[str, str], ...]:
        """The spread of an array's values; an array that several states have is looked at once."""
        if id(array) in self._rows:
            return self._rows[id(array)]
        large = array.size > _LARGE or array.size > self._left
        if self._how == "none" or (self._how == "some" and large):
            return (("values", f"not looked at: {array.size:,} of them"),)
        self._left -= array.size
        self._kept.append(array)  # so that its id stays its own
        return self._rows.setdefault(id(array), spread(array))


def spread(array: np.ndarray) -> tuple[tuple[str, str], ...]:
    """Least, greatest, mean, standard deviation, zeros, distribution and first values, in words."""
    flat = array.reshape(-1)
    first = ("values", _listed(flat))
    if np.iscomplexobj(array) or not flat.size:
        return (first,)
    try:
        numbers = flat if flat.dtype.name in _FLOATS else flat.astype(np.float64)
    except (TypeError, ValueError):  # texts, and types that stand for something else
        return (first,)
    known = np.isfinite(numbers)
    finite = numbers if known.all() else numbers[known]
    found = [
        (name, words.number(float(measure(finite)))) for name, measure in _MEASURES if finite.size
    ]
    lacking = numbers.size - finite.size
    zeros = numbers.size - int(np.count_nonzero(numbers))
    counted = (("zeros", zeros), ("not finite", lacking))
    return (
        *found,
        *((name, _share(number, numbers.size)) for name, number in counted if number),
        *((("spread", _bars(finite)),) if finite.size > _FIRST else ()),
        first,
    )


_MEASURES: tuple[tuple[str, Callable[[np.ndarray], float]], ...] = (
    ("min", lambda held: held.min()),
    ("max", lambda held: held.max()),
    ("mean", lambda held: held.mean(dtype=np.float64)),
    ("std", lambda held: held.std(dtype=np.float64)),
)


def _listed(flat: np.ndarray) -> str:
    said = " ".join(_said(value) for value in flat[:_FIRST].tolist())
    return f"{said} …" if flat.size > _FIRST else said or "none"


def _said(value: object) -> str:
    return words.number(value) if isinstance(value, float) else str(value)[:40]


def _share(number: int, of: int) -> str:
    return f"{number:,} ({100 * number / of:.3g} %)"


def _bars(finite: np.ndarray) -> str:
    """A histogram from the least to the greatest value, a letter for each bin."""
    step = max(1, finite.size // _SAMPLE)
    counts, _ = np.histogram(finite[::step], _BINS, (finite.min(), finite.max()))
    most = counts.max()
    return "".join(
        " " if not count else _BARS[min(len(_BARS) - 1, int(len(_BARS) * count / most))]
        for count in counts.tolist()
    )
