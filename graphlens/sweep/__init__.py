"""Many models at once: each captured, run, proven, planned and drawn in a process of its own."""

from graphlens.sweep.many import Choice, asked, sweep
from graphlens.sweep.row import Entry, Row
from graphlens.sweep.spec import STAGES, Spec, Task

__all__ = ["STAGES", "Choice", "Entry", "Row", "Spec", "Task", "asked", "sweep"]
