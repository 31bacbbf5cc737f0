"""The verbs: what one does with a model and with a graph, from Python."""

from __future__ import annotations

import gc
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graphlens import formats, options, registry
from graphlens.errors import UsageError, unknown_name
from graphlens.formats import Format

if TYPE_CHECKING:
    import numpy as np

    from graphlens.analysis.diff import Diff
    from graphlens.ir.graph import Graph
    from graphlens.memory.plan import MemoryPlan
    from graphlens.passes.history import History, Step
    from graphlens.runtime.proof import Proof

    Pass = Callable[[Graph], Graph]


def capture(
    model: Any,
    *inputs: Any,
    via: str | None = None,
    dynamic_shapes: Any = None,
    kwargs: Mapping[str, Any] | None = None,
    trust: bool = False,
    **choices: Any,
) -> Graph:
    """The graph of what a model computes on inputs like these.

    Args:
        model: A model of any framework that is listed by ``graphlens list frontends``, or the
            path of a model file.
        inputs: What the model is called with: the framework's tensors, numpy arrays, or
            `TensorType` where only dtype and shape matter.
        via: The front end; by default the one for the model's type (for a torch module
            ``'torch.fx'``).
        dynamic_shapes: Which dimensions are symbols, in the front end's own way
            (``torch.export``'s for the torch ones).
        kwargs: Keyword arguments of the call.
        trust: Whether a file may run the code that it brings along (a pickled module).
        choices: Options of the front end, such as ``session`` of ``'tf'``.

    Raises:
        CaptureError: If the model cannot be captured.
        FormatError: If a file is broken or not what its name says.
        MissingDependencyError: If the framework is not installed.
        UsageError: If ``via`` is no front end, it has no such option, or a file would run code and
            is not trusted.
    """
    if registry.is_graph(model):
        return model
    if isinstance(model, str | Path):
        model, found = _read(Path(model), trust)
        if registry.is_graph(model):
            return model
        via = via or found.via or None
    name = via or registry.detect(model)
    front_end = registry.find(registry.FRONTENDS, name)
    bound = options.bind("front end", name, front_end, choices)
    with _uncollected():
        return bound(model, *inputs, kwargs=kwargs, dynamic_shapes=dynamic_shapes)


@contextmanager
def _uncollected() -> Generator[None]:
    """Without the search for garbage in circles: up to a quarter of the time.

    A graph and a picture are made of many small things, none of which knows what it is part of.
    """
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


def optimize(
    graph: Graph,
    passes: Sequence[str | Pass] | None = None,
    *,
    prove: bool = True,
    inputs: Sequence[Any] | None = None,
    on_step: Callable[[Step], None] | None = None,
) -> History:
    """Run passes over a graph and keep every step with its evidence.

    Args:
        graph: A captured graph; it is left as it is.
        passes: Names, with options where wanted (``'layout{to=NCHW}'``), or functions Graph ->
            Graph; by default the whole pipeline.
        prove: Whether to run every step's graph and compare it with the captured one's results.
        inputs: What to run on, one array for each Input, as well as seeded examples: those that
            the model was captured with, where it does not take others.
        on_step: Called with every step when it is done.

    Raises:
        PassError: If a pass fails, or changes what the graph computes.
        UsageError: If a name or option of a pass is unknown.
    """
    graph = _graph(graph)
    wanted = registry.load("graphlens.passes:DEFAULT") if passes is None else passes
    run_passes = registry.load("graphlens.passes.pipeline:run")
    functions = [function for each in wanted for function in _passes(each)]
    return run_passes(graph, functions, prove=prove, inputs=inputs, on_step=on_step)


def run(graph: Graph, *inputs: Any) -> list[np.ndarray]:
    """What the graph returns on these inputs, one array an output.

    Raises:
        RunError: If the inputs do not fit, or an op cannot be run here.
    """
    graph = _graph(graph)
    return registry.load("graphlens.runtime.run:run")(graph, *inputs)


def profile(graph: Graph, *inputs: Any, runs: int = 5) -> dict[str, float]:
    """Seconds that each node takes in one run, the median of several, by ONNX Runtime.

    Args:
        graph: What to run, as it stands.
        inputs: One array for each Input; by default seeded examples.
        runs: How many runs are measured, after one that is not.

    Raises:
        RunError: If ONNX Runtime does not take the graph as a whole.
    """
    measure = registry.load("graphlens.runtime.profile:profile")
    return measure(_graph(graph), *inputs, runs=runs)


def prove(
    before: Graph, after: Graph, *, inputs: Sequence[Any] | None = None, seeds: int = 3
) -> Proof:
    """Whether two graphs compute the same function, by running both on the same inputs.

    Args:
        before: The graph that sets what is right.
        after: The graph that is judged.
        inputs: What to run on, one array for each Input, as well as seeded examples.
        seeds: How many sets of example data.
    """
    before, after = _graph(before), _graph(after)
    return registry.load("graphlens.runtime.prove:prove")(before, after, inputs=inputs, seeds=seeds)


def equivalent(a: Graph, b: Graph) -> bool:
    """Whether two graphs are one graph once in canonical form, with data layout taken out.

    Ops, attributes, dataflow and weights must agree; names and the order of nodes need not. Images
    taken and returned may be channels last in the one and channels first in the other.
    """
    difference = registry.load("graphlens.passes.standard_form:difference")
    return difference(_graph(a), _graph(b)) is None


def diff(a: Graph, b: Graph) -> Diff:
    """What was added, removed, kept, changed and fused between two graphs; prints as text."""
    a, b = _graph(a), _graph(b)
    return registry.load("graphlens.analysis.diff:diff")(a, b)


def specialize(graph: Graph, *inputs: Any) -> Graph:
    """The graph with every size that is not known as a run on these inputs has it.

    It computes the same for all inputs that lead to these sizes. Two captures of a model are one
    graph then, though one computes the sizes that the other has as numbers; and its memory can
    be planned.

    Args:
        graph: The graph.
        inputs: One array for each Input; by default seeded examples.

    Raises:
        RunError: If the graph cannot be run on them.
    """
    return registry.load("graphlens.passes.specialize:specialize")(_graph(graph), *inputs)


def plan_memory(
    graph: Graph,
    *,
    inplace: bool = True,
    schedule: bool = True,
    alignment: int = 1,
    symbols: Mapping[str, int] | None = None,
) -> MemoryPlan:
    """Where each intermediate tensor of the graph lies in one arena, and for how long.

    Args:
        graph: What is planned; weights are apart.
        inplace: Whether results may be written over operands that nobody reads any more.
        schedule: Whether to look for an order of execution with a lower peak than the graph's.
        alignment: Every offset becomes a multiple of it, in bytes.
        symbols: Sizes of symbolic dimensions (``{'N': 1}``).

    Raises:
        GraphError: Naming the values whose size is not known.
    """
    plan = registry.load("graphlens.memory.plan:plan_memory")
    given = {"inplace": inplace, "schedule": schedule, "alignment": alignment, "symbols": symbols}
    return plan(_graph(graph), **given)


def draw(thing: Any, path: str | Path, **choices: Any) -> None:
    """Write a picture of a Graph, a History (before and after), a MemoryPlan or a Diff.

    Args:
        thing: What to draw.
        path: The file; its suffix says the format (``.svg``, ``.png``, ``.pdf``, ``.dot``,
            ``.txt``; ``.html`` is the interactive page).
        choices: Options of that kind of picture, such as ``depth`` of a Graph.

    Raises:
        RenderError: If it cannot be laid out.
        UsageError: If there is no such kind of picture, format or option, or the file cannot be
            written.
    """
    views = registry.PAGES if Path(path).suffix.lower() == ".html" else registry.VIEWS
    view = registry.find_by_type(views, thing)
    with _uncollected():
        picture = options.bind("picture", type(thing).__name__, view, choices)(thing)
        registry.load("graphlens.render:write")(picture, path)


def save(graph: Graph, path: str | Path) -> None:
    """Write a graph as ``.json`` (with its weights beside it) or ``.onnx``.

    Raises:
        UsageError: If the suffix is neither, or the file cannot be written.
    """
    graph = _graph(graph)
    registry.find(registry.WRITERS, Path(path).suffix.lower())(graph, path)


def load(path: str | Path) -> Graph:
    """Read a graph from a ``.json`` file written by `save`, or from an ``.onnx`` file.

    Raises:
        FormatError: If the file is broken or not what its name says.
        UsageError: If there is no such file, or its suffix is neither.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in (".json", ".onnx"):
        raise unknown_name("format of a saved graph", suffix, (".json", ".onnx"))
    return capture(path)


def _read(path: Path, trust: bool) -> tuple[Any, Format]:
    """What a file's reader makes of it, or the path where its front end reads it; what it is."""
    found = formats.recognise(path)
    if found.executes and not trust:
        raise UsageError(
            f"{str(path)!r} is {found.name}: reading it can run code that it brings along; "
            "if you know where it comes from, say so with --trust (trust=True in Python)"
        )
    return registry.load(found.reader)(path) if found.reader else path, found


def _passes(wanted: str | Pass) -> list[Pass]:
    if not isinstance(wanted, str):
        return [wanted]
    return [
        options.bind("pass", name, registry.find(registry.PASSES, name), choices)
        for name, choices in options.parse(wanted)
    ]


def _graph(thing: Any) -> Graph:
    if registry.is_graph(thing):
        return thing
    raise UsageError(
        f"expected a Graph, found a {type(thing).__name__}: capture(model, ...) makes one"
    )
