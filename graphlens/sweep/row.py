"""The row of one model in the table of a sweep, and its form as a line of JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from graphlens.sweep.spec import Spec

EQUAL_WIDE = "equal in float64"
"""The status of what has the framework's own outputs, though not in float32: see `Entry`."""
EQUAL = "equal", EQUAL_WIDE
STATES = (*EQUAL, "random", "captured")
"""What a model is if one of its front ends is, the best first."""
ONE_AT_SIZES = "one at these sizes"
"""The status of front ends whose graphs are one once sizes are those of the run: some have numbers
where others compute them from data."""
LONGEST = 300
"""Characters of a reason: it is one line of a table."""


@dataclass(slots=True)
class Entry:
    """What one front end made of a model.

    Attributes:
        status: ``'equal'`` (run, and equal to the framework's outputs within the tolerance of
            `prove`), ``'equal in float64'`` (different, but equal where model, inputs and graph
            are widened: the model amplifies rounding), ``'different'``, ``'random'`` (two runs of
            the framework itself differ), ``'not run'``, ``'captured'`` (running was not asked for)
            or ``'failed'``.
        reason: Why it is not equal, in one line.
        means: How it was captured (``graph.graph['capture']``).
        nodes: Operations in the graph and its regions; inputs, weights and outputs apart.
        ops: What they are: op -> how many.
        foreign: Those outside the vocabulary: op -> how many.
        max_error: Largest relative error of an output.
        seconds: Time of our capture.
        bare_seconds: Time of the framework's own, None where it fails or was not tried.
        bare_reason: Why the framework's own capture failed, in one line.
    """

    status: str = "failed"
    reason: str = ""
    means: str = ""
    nodes: int = 0
    ops: dict[str, int] = field(default_factory=dict[str, int])
    foreign: dict[str, int] = field(default_factory=dict[str, int])
    max_error: float | None = None
    seconds: float | None = None
    bare_seconds: float | None = None
    bare_reason: str = ""


@dataclass(slots=True)
class Row:
    """What became of one model.

    Attributes:
        set: The model's set.
        model: Its name there.
        status: ``'equal'`` (by one front end or more), ``'equal in float64'``, ``'random'``,
            ``'captured'``, ``'failed'``, ``'not built'`` (the library itself does not make it or
            run it), ``'over time'``, ``'over memory'`` or ``'died'``.
        reason: Why, in one line.
        stages: Those that were asked for.
        about: How it was made, where there was a choice: sizes, parameters.
        parameters: Elements of its weights.
        frontends: Front end -> `Entry` as a dict.
        one_graph: ``status`` (``'one'``, ``'one at these sizes'``, ``'several'``, ``'single'``)
            and ``difference``.
        optimize: Kernels and traffic before and after, ``status`` of the proof, ``reason``.
        plan: Bytes of arena, peak and sum.
        draw: Seconds, width and height of the picture.
        seconds: Wall time of the process.
        peak_bytes: Its largest resident memory.
    """

    set: str
    model: str
    status: str = "failed"
    reason: str = ""
    stages: list[str] = field(default_factory=list[str])
    about: str = ""
    parameters: int | None = None
    frontends: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    one_graph: dict[str, Any] = field(default_factory=dict[str, Any])
    optimize: dict[str, Any] = field(default_factory=dict[str, Any])
    plan: dict[str, Any] = field(default_factory=dict[str, Any])
    draw: dict[str, Any] = field(default_factory=dict[str, Any])
    seconds: float = 0.0
    peak_bytes: int = 0

    @property
    def spec(self) -> Spec:
        """The model that the row is of."""
        return Spec(self.set, self.model)

    @property
    def built(self) -> bool:
        """Whether the framework itself makes and runs the model here, to an output of its own."""
        return self.status not in ("not built", "random") and bool(self.frontends)

    @property
    def sound(self) -> bool:
        """Whether every front end gave the framework's outputs, and all gave one graph."""
        return (
            self.status in EQUAL
            and all(entry["status"] in EQUAL for entry in self.frontends.values())
            and not any(entry["foreign"] for entry in self.frontends.values())
            and self.one_graph.get("status") != "several"
            and not any(held.get("reason") for held in (self.optimize, self.plan, self.draw))
        )

    def form(self) -> dict[str, Any]:
        """The row as JSON can hold it; what is empty is left out."""
        return {key: value for key, value in asdict(self).items() if value not in ("", None, {})}

    def line(self) -> str:
        """The row as one line of JSON, without its end."""
        return json.dumps(self.form(), default=str)

    @classmethod
    def of(cls, form: Mapping[str, Any]) -> Row:
        """The row that `line` wrote, from the JSON object; what is not known is left out."""
        row = cls(**{key: held for key, held in form.items() if key in cls.__slots__})
        row.frontends = {via: {**asdict(Entry()), **held} for via, held in row.frontends.items()}
        return row


def one_line(text: object) -> str:
    """A message as one line of a table: its white space single, its end cut off if long."""
    found = " ".join(str(text).split())
    return found if len(found) <= LONGEST else f"{found[: LONGEST - 4]} ..."


def told(error: BaseException) -> str:
    """An error in one line: our own by its message, others with their type."""
    name = type(error).__name__
    text = one_line(error)
    return text if type(error).__module__ == "graphlens.errors" else one_line(f"{name}: {text}")
