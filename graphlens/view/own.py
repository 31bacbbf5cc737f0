"""Somebody's own number of each node, to colour a picture by: from a mapping or a JSON file."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from graphlens.errors import UsageError
from graphlens.ir import CONST, OURS, OUTPUT, PARAM, Graph

_LISTED = 3
"""Names that an error lists."""
_UNDRAWN = tuple(f"{OURS}.{op}" for op in (PARAM, CONST, OUTPUT))


@dataclass(frozen=True, slots=True)
class Own:
    """Somebody's own number of each node.

    Attributes:
        amounts: By node name; not every node needs one. What is no number is refused when drawn.
        title: What they are.
    """

    amounts: Mapping[str, Any]
    title: str = "own data"

    def of(self, graph: Graph) -> dict[str, float]:
        """The number of each node of a graph: the sum of those of the captured ones it is for."""
        found: dict[str, float] = {}
        for name in graph:
            origins = [held for held in graph.nodes[name]["origins"] if held in self.amounts]
            held = origins or [name] * (name in self.amounts)
            if held:
                found[name] = math.fsum(self.amounts[each] for each in held)
        return found


def _check(own: Own, graphs: Sequence[Graph]) -> None:
    """See that every name is a node that is drawn of one of some graphs."""
    drawn = dict.fromkeys(
        name for graph in graphs for name in graph if graph.op(name) not in _UNDRAWN
    )
    unknown = [name for name in own.amounts if name not in drawn]
    if not unknown:
        return
    more = f" and {len(unknown) - _LISTED} more" if len(unknown) > _LISTED else ""
    raise UsageError(
        f"{own.title}: no operation is called {_named(unknown)}{more}: expected names of the "
        f"graph, such as {_named(list(drawn)) or 'none: it has no operation'}"
    )


def _named(names: Sequence[str]) -> str:
    return ", ".join(map(repr, names[:_LISTED]))


By = str | Own | Mapping[str, float]
"""What pictures are coloured by: the name of a measure, or a number of each node."""


def checked(by: By, *graphs: Graph) -> str | Own:
    """What a picture of some graphs is coloured by, looked over if it is somebody's own.

    Raises:
        UsageError: If a number is none or is not finite, or a name is no operation of any of them.
    """
    if isinstance(by, str):
        return by
    own = owned(by)
    _check(own, graphs)
    return own


def owned(by: Own | Mapping[str, Any]) -> Own:
    """Somebody's own numbers, looked over.

    Raises:
        UsageError: If one is not a number, or not finite.
    """
    own = by if isinstance(by, Own) else Own(by)
    for name, amount in own.amounts.items():
        number = isinstance(amount, int | float) and not isinstance(amount, bool)
        if not number or not math.isfinite(amount):
            raise UsageError(
                f"{own.title}: expected a finite number for {name!r}, found {amount!r}: leave out "
                "what is not known"
            )
    return own


def read(path: Path) -> Own:
    """The numbers of a JSON file: ``{"conv1": 0.5, "fc": 2}``.

    Raises:
        UsageError: If it cannot be read, or is not of that form.
    """
    try:
        held = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise UsageError(f"cannot read {str(path)!r}: {error.strerror}") from None
    except ValueError as error:
        raise UsageError(f"{str(path)!r} is not JSON: {error}") from None
    if not isinstance(held, dict):
        kind = type(held).__name__
        raise UsageError(
            f"{str(path)!r} holds a {kind}: expected an object with a number for each node, such "
            'as {"conv1": 0.5}'
        )
    return owned(Own(cast("dict[str, float]", held), path.stem))
