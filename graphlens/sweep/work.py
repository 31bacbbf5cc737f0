"""One model of a sweep, from its name to its row: everything here runs in a process of its own."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from graphlens import api
from graphlens.errors import RunError
from graphlens.ir.graph import walk
from graphlens.ir.node import OURS, REGION
from graphlens.ops.schema import in_vocabulary
from graphlens.runtime.compare import errors, magnitude, tolerance
from graphlens.runtime.prove import depth
from graphlens.sweep import sets
from graphlens.sweep.row import EQUAL_WIDE, STATES, Entry, Row, told
from graphlens.sweep.sides import Side, side_of
from graphlens.sweep.spec import Spec, Task
from graphlens.sweep.stages import later
from graphlens.sweep.subject import Subject

if TYPE_CHECKING:
    from graphlens.ir.graph import Graph

Emit = Callable[[Row], None]


@dataclass(frozen=True)
class _Case:
    """One model at work.

    Attributes:
        subject: The model and its inputs.
        side: Its framework.
        task: What is asked.
        expected: What the framework makes of the inputs.
        arrays: The inputs, as a graph takes them.
        row: What is filled in.
        emit: Given the row whenever something was.
        judged: Outputs in float32 of the front ends whose graphs are equal in float64.
    """

    subject: Subject
    side: Side
    task: Task
    expected: Sequence[np.ndarray]
    arrays: Sequence[np.ndarray]
    row: Row
    emit: Emit
    judged: dict[str, Sequence[np.ndarray]] = field(default_factory=dict[str, Sequence[np.ndarray]])

    def keep(self, via: str, entry: Entry) -> None:
        """Put what a front end has so far into the row."""
        row = self.row
        row.frontends[via] = asdict(entry)
        states = {held["status"] for held in row.frontends.values()}
        row.status = next((one for one in STATES if one in states), "")
        if not row.status:
            row.status = "captured" if states & {"different", "not run"} else "failed"
        self.emit(row)

    @cached_property
    def is_random(self) -> bool:
        """Whether the framework itself gives other outputs with another seed."""
        again = self.side.reference(self.subject, 1)
        return _compared(self.expected, again, _ANY_DEPTH)[0] != "equal"

    @cached_property
    def wide(self) -> _Case | None:
        """The same in float64, with the framework's outputs there; None if it does not run so."""
        try:
            subject = self.side.wide(self.subject)
            if subject is None:
                return None
            expected = self.side.reference(subject, 0)
        except Exception:  # strangers' code: the model has a dtype of its own somewhere
            return None
        arrays = self.side.examples(subject)
        return replace(self, subject=subject, expected=self.narrowed(expected), arrays=arrays)

    def narrowed(self, outputs: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Outputs in the dtypes of the framework's own, as far as there are so many."""
        return [one.astype(own.dtype) for one, own in zip(outputs, self.expected, strict=False)]


_ANY_DEPTH = 1 << 62
"""Of a graph so deep that rounding explains half of the digits: what differs more is random."""


def work(spec: Spec, task: Task, emit: Emit = lambda row: None) -> Row:
    """Do with one model all that is asked.

    Args:
        spec: The model.
        task: What to do; its limits are the caller's to hold.
        emit: Given the row each time that something is added to it: should the process be killed,
            the last one stands.
    """
    row = Row(spec.set, spec.model, stages=list(task.stages))
    row.status, row.reason = "not built", "it was being built"
    emit(row)
    try:
        subject = sets.build(spec)
        side = side_of(subject.model)
        if task.bare:
            side.warm()
        subject = side.settle(subject)
        row.about, row.parameters = subject.about, side.parameters(subject)
        row.reason = "the framework was running it"
        emit(row)
        expected = side.reference(subject, 0)
    except Exception as error:  # strangers' code: whatever it raises is the row's reason
        row.reason = told(error)
        return row
    row.status, row.reason = "failed", ""
    case = _Case(subject, side, task, expected, side.examples(subject), row, emit)
    later(row, _captured(case), case.arrays, task, emit)
    return row


def _captured(case: _Case) -> dict[str, Graph]:
    """The graph of each front end that captures the model."""
    graphs: dict[str, Graph] = {}
    for via in case.side.vias(case.subject):
        if not _wanted(via, case.task):
            continue
        entry = Entry(status="failed", reason="it was being captured")
        case.keep(via, entry)
        graph = _capture(entry, case.subject, case.side, via)
        if graph is not None:
            graphs[via] = graph
            _count(entry, graph)
            if "run" in case.task.stages:
                entry.status, entry.reason = "not run", "it was being run"
                case.keep(via, entry)
                _run(entry, graph, case, via)
        case.keep(via, entry)
        if case.task.bare:
            _bare(entry, case.subject, case.side, via)
            case.keep(via, entry)
    return graphs


def _wanted(via: str, task: Task) -> bool:
    if task.vias:
        return via in task.vias
    return task.onnx or via not in _READ_BY


def _capture(entry: Entry, subject: Subject, side: Side, via: str) -> Graph | None:
    try:
        since = time.perf_counter()
        given = side.given(subject, via)
        reader, kwargs = _READ_BY.get(via, via), dict(given.kwargs) or None
        graph = api.capture(given.model, *given.inputs, via=reader, kwargs=kwargs)
        entry.seconds = round(time.perf_counter() - since, 4)
    except Exception as error:  # strangers' code runs inside
        entry.reason = told(error)
        return None
    entry.status, entry.reason = "captured", ""
    entry.means = str(graph.graph.get("capture", ""))
    return graph


_READ_BY = {"torch.onnx": "onnx"}
"""The front end that reads what an exporter wrote, by what the way is called here."""


def _count(entry: Entry, graph: Graph) -> None:
    """Operations in and out of the vocabulary, regions among them."""
    ops: Counter[str] = Counter()
    foreign: Counter[str] = Counter()
    for _, held in walk(graph):
        for fields in held.nodes.values():
            op, domain = fields["op"], fields["domain"]
            if domain == OURS and op != REGION:
                continue
            name = f"{domain}.{op}" if domain else op
            ops[name] += 1
            if not in_vocabulary(op, domain):
                foreign[name] += 1
    entry.nodes = ops.total()
    entry.ops, entry.foreign = dict(sorted(ops.items())), dict(sorted(foreign.items()))


def _run(entry: Entry, graph: Graph, case: _Case, via: str) -> None:
    try:
        found = api.run(graph, *case.arrays)
    except RunError as error:
        entry.reason = told(error)
        return
    except Exception as error:  # a foreign op runs strangers' code
        entry.reason = f"a bug: {told(error)}"
        return
    entry.status, entry.reason, entry.max_error = _compared(case.expected, found, depth(graph))
    if entry.status != "different":
        return
    if case.is_random:
        entry.status, entry.reason = "random", "two runs of the framework itself differ"
    else:
        _run_wide(entry, case, via, found)


def _run_wide(entry: Entry, case: _Case, via: str, narrow: Sequence[np.ndarray]) -> None:
    """Tell a wrong capture from a model that amplifies rounding, by all of it in float64.

    A model that picks the best of nearly equal scores may be out by any amount in float32. What
    float64 gives is rounded to float32 and held to its tolerance, as a wrong op would be out here
    as much as there. A graph that gives what one so judged gave in float32 (``narrow``) is as good.
    """
    for other, outputs in case.judged.items():
        if _compared(outputs, narrow, 1)[0] == "equal":
            entry.status = EQUAL_WIDE
            entry.reason += f"; equal to what {other} gives, which is equal in float64"
            return
    wide = case.wide
    graph = None if wide is None else _capture(Entry(), wide.subject, case.side, via)
    if wide is None or graph is None:
        return
    try:
        found = case.narrowed(api.run(graph, *wide.arrays))
    except Exception:  # ONNX has fewer ops in float64, and a foreign op runs strangers' code
        return
    status, _, error = _compared(wide.expected, found, depth(graph))
    if status == "equal":
        case.judged[via] = narrow
        entry.status = EQUAL_WIDE
        entry.reason += f"; in float64 {error:.3g}: the model amplifies rounding"


def _compared(
    expected: Sequence[np.ndarray], found: Sequence[np.ndarray], deep: int
) -> tuple[str, str, float | None]:
    """Status, reason and largest relative error, by the tolerance of `prove`."""
    if len(expected) != len(found):
        return "different", f"{len(found)} outputs, the framework gives {len(expected)}", None
    largest, reason = 0.0, ""
    for place, (one, other) in enumerate(zip(expected, found, strict=True)):
        if one.dtype != other.dtype or one.shape != other.shape:
            told_as = f"{other.dtype}{list(other.shape)}, expected {one.dtype}{list(one.shape)}"
            return "different", f"output {place} is {told_as}", None
        _, relative = errors(one, other, 1e-3 * magnitude(one))
        allowed = tolerance(one.dtype, deep)
        if relative > allowed and not reason:
            reason = f"output {place}: relative error {relative:.3g}, allowed {allowed:.3g}"
        largest = max(largest, relative)
    return ("different" if reason else "equal"), reason, float(f"{largest:.3g}")


def _bare(entry: Entry, subject: Subject, side: Side, via: str) -> None:
    """The framework's own capture, after ours, so that what it keeps warm helps it and not us."""
    try:
        call = side.bare(subject, via)
        if call is None:
            return
        since = time.perf_counter()
        call()
        entry.bare_seconds = round(time.perf_counter() - since, 4)
    except Exception as error:  # strangers' code runs inside
        entry.bare_reason = told(error)
