"""How long each node of a graph takes: measured by ONNX Runtime on a real run, node by node."""

from __future__ import annotations

import json
import statistics
import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from graphlens.errors import RunError
from graphlens.ir.graph import Graph
from graphlens.ir.node import Value
from graphlens.ops.proto import reads
from graphlens.runtime import session
from graphlens.runtime.given import check_inputs
from graphlens.runtime.inputs import example_inputs
from graphlens.runtime.lowering import Lowered
from graphlens.runtime.run import Runner
from graphlens.runtime.segments import is_cut

RUNS = 5
"""Runs that are measured, after one that is not."""


def profile(graph: Graph, *inputs: Any, runs: int = RUNS) -> dict[str, float]:
    """Seconds that each node takes in one run, the median of several.

    The graph runs as it stands, ONNX Runtime's optimisations off, one thread an op; what runs as
    one group has the time of its members. What is done before the run (weights, constants) takes
    no time and is not listed.

    Args:
        graph: What to run.
        inputs: One array for each Input; by default seeded examples.
        runs: How many runs are measured.

    Returns:
        Seconds by node name.

    Raises:
        RunError: If ONNX Runtime does not take the graph as a whole.
    """
    lowered = Runner(graph).lowered
    if is_cut(lowered):
        raise RunError(
            f"{graph!r} has operations that ONNX Runtime does not run: their times cannot be told "
            "apart; draw it by flops, bytes or memory instead"
        )
    arrays = check_inputs(graph, inputs or example_inputs(graph))
    names = (lowered.names[Value(name)] for name in graph.inputs)
    feeds = {**dict(zip(names, arrays, strict=True)), **lowered.outside}
    model = _taken_apart(lowered.model)
    owners = _owners(graph, lowered, model)
    found: dict[str, list[float]] = defaultdict(list)
    for seconds in _measured(model, feeds, runs):
        total: dict[str, float] = defaultdict(float)
        for index, each in seconds.items():
            total[owners[index]] += each
        for name, each in total.items():
            found[name].append(each)
    return {name: statistics.median(each) for name, each in found.items() if name}


def _owners(graph: Graph, lowered: Lowered, model: onnx.ModelProto) -> list[str]:
    """The node of ours behind each ONNX node: what makes its result, else what reads it."""
    makes = {title: value.node for value, title in lowered.names.items() if value.node in graph}
    nodes = model.graph.node
    owners = [""] * len(nodes)
    wanted: dict[str, str] = {}
    for index in reversed(range(len(nodes))):
        results = nodes[index].output
        own = next((makes[name] for name in results if name in makes), "")
        owners[index] = own or next((wanted[name] for name in results if name in wanted), "")
        for name in reads(nodes[index]):
            wanted.setdefault(name, owners[index])
    return owners


def _taken_apart(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model with the functions that ONNX Runtime has no kernel for as the ops they are made of.

    ONNX Runtime takes them apart itself when it loads a model, and would tell of the parts by names
    of its own. The nodes are named by their places.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "apart.onnx")
        options = _options()
        options.optimized_model_filepath = path
        _session(model, options)
        apart = onnx.load(path)
    for index, node in enumerate(apart.graph.node):
        node.name = str(index)
    return apart


def _options() -> Any:
    runtime: Any = session.onnxruntime
    if runtime is None:
        raise RunError("times are measured by ONNX Runtime: pip install 'graphlens[runtime]'")
    options = runtime.SessionOptions()
    options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    return options


def _session(model: onnx.ModelProto, options: Any) -> Any:
    runtime: Any = session.onnxruntime
    try:
        return runtime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # ONNX Runtime's errors have no common base of their own
        raise _refused(error) from error


def _refused(error: Exception) -> RunError:
    return RunError(f"ONNX Runtime does not take it as a whole: {error}")


def _measured(
    model: onnx.ModelProto, feeds: Mapping[str, np.ndarray], runs: int
) -> Sequence[Mapping[int, float]]:
    """Seconds of each ONNX node, by its place, in each run after the first."""
    options = _options()
    options.enable_profiling = True
    with tempfile.TemporaryDirectory() as folder:
        options.profile_file_prefix = str(Path(folder) / "run")
        opened = _session(model, options)
        try:
            for _ in range(runs + 1):
                opened.run(None, dict(feeds))
        except Exception as error:  # as above
            raise _refused(error) from error
        events = json.loads(Path(opened.end_profiling()).read_text())
    seen: dict[int, list[float]] = defaultdict(list)
    for event in events:
        name = event.get("name", "")
        if event.get("cat") == "Node" and name.endswith("_kernel_time"):
            seen[int(name.removesuffix("_kernel_time"))].append(event["dur"] / 1e6)
    return [{index: each[run + 1] for index, each in seen.items()} for run in range(runs)]
