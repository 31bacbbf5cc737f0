"""What is asked of a sweep: which model, which stages, and within which limits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from graphlens.errors import UsageError, unknown_name

STAGES = ("capture", "run", "one_graph", "optimize", "plan", "draw")
"""What can be done with a model, in this order; ``capture`` is always done."""


@dataclass(frozen=True, slots=True)
class Spec:
    """One model of a sweep, by name: small enough to be sent to another process or machine.

    Attributes:
        set: The set that it is of, a name in `sets.SETS`.
        model: Its name within the set.
    """

    set: str
    model: str

    def __str__(self) -> str:
        return f"{self.set}:{self.model}"


@dataclass(frozen=True, slots=True)
class Task:
    """What is done with every model, and what it may cost.

    Attributes:
        stages: Some of `STAGES`.
        memory: Bytes of resident memory of one model's process and its children.
        seconds: Wall time of one model.
        vias: The front ends to use, by default all that take such a model.
        bare: Whether the framework's own capture is timed beside ours.
        onnx: Whether models of torch are exported to ONNX as well, which takes long.
    """

    stages: tuple[str, ...] = ("capture", "run", "one_graph")
    memory: int = 4_000_000_000
    seconds: float = 120.0
    vias: tuple[str, ...] = ()
    bare: bool = True
    onnx: bool = False

    def __post_init__(self) -> None:
        """Refuse stages that there are not.

        Raises:
            UsageError: Naming the stage, or the limit that leaves nothing.
        """
        for stage in self.stages:
            if stage not in STAGES:
                raise unknown_name("stage", stage, STAGES)
        if self.memory <= 0 or self.seconds <= 0:
            raise UsageError(
                f"limits of {self.memory} bytes and {self.seconds} s: both must be above 0"
            )

    def form(self) -> dict[str, Any]:
        """The task as JSON can hold it."""
        return asdict(self)

    @classmethod
    def of(cls, form: Mapping[str, Any]) -> Task:
        """The task that `form` wrote."""
        held: dict[str, Any] = dict(form)
        held["stages"], held["vias"] = tuple(held["stages"]), tuple(held["vias"])
        return cls(**held)


def unique(specs: Iterable[Spec]) -> list[Spec]:
    """The specs in order.

    Raises:
        UsageError: If two of them have one name: their rows could not be told apart.
    """
    found: dict[Spec, None] = {}
    for spec in specs:
        if spec in found:
            raise UsageError(f"two models are called {str(spec)!r}: give each a name of its own")
        found[spec] = None
    return list(found)
