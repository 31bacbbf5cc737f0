"""What running two graphs showed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from graphlens.display import Shown

Status = Literal["proven", "refuted", "unproven"]


@dataclass(frozen=True)
class Proof(Shown):
    """What running two graphs showed.

    Attributes:
        status: ``'proven'`` on the inputs tried, ``'refuted'``, or ``'unproven'``: not run.
        max_abs_error: The largest absolute difference of two outputs, None if nothing was run.
        max_rel_error: The largest difference in relation to the largest magnitude of its output.
        reason: Why it is not proven, else how it was.
        worst: Which inputs gave the largest error: ``'seed 1 (edges)'``.
        worst_output: Index of the output with the largest error.
        tolerance: The relative error that was allowed on that output.
        inputs: The inputs that gave the largest error.
    """

    status: Status
    max_abs_error: float | None = None
    max_rel_error: float | None = None
    reason: str = ""
    worst: str = ""
    worst_output: int = 0
    tolerance: float = 0.0
    inputs: tuple[np.ndarray, ...] = ()

    def __bool__(self) -> bool:
        """Whether it is proven."""
        return self.status == "proven"

    def cells(self) -> list[tuple[str, str]]:
        """What was found, in words and figures; the first row names the columns."""
        rows = [("proof", self.status)]
        if self.max_abs_error is not None:
            rows.append(("largest absolute error", f"{self.max_abs_error:.1e}"))
        if self.max_rel_error is not None:
            rows.append(("largest relative error", f"{self.max_rel_error:.1e}"))
            rows.append(("allowed", f"{self.tolerance:.1e}"))
            rows.append(("where", f"output {self.worst_output}, on {self.worst}"))
        said = self.reason and self.status != "proven"
        return [*rows, ("reason", self.reason)] if said else rows

    def __str__(self) -> str:
        """``proven; largest absolute error: 1.2e-06; ...``."""
        (_, status), *rest = self.cells()
        return "; ".join([status, *(f"{what}: {found}" for what, found in rest)])
