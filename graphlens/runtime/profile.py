"""How long each node of a graph takes: measured by ONNX Runtime on a real run, node by node."""

from __future__ import annotations

import json
import re
import statistics
import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx.inliner import inline_selected_functions

from graphlens.errors import RunError
from graphlens.ir.graph import Graph
from graphlens.ir.node import Value
from graphlens.ops.proto import reads
from graphlens.ops.schema import defaults
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
    one group has the time of its members, and an op that ONNX Runtime has no kernel for that of
    the ops that ONNX defines it by. What is done before the run (weights, constants) takes
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
    open_sizes = not inputs and any(
        not graph.type_of(Value(name)).is_static for name in graph.inputs
    )
    for seconds in _measured(model, feeds, runs, _OPEN if open_sizes else ""):
        total: dict[str, float] = defaultdict(float)
        for index, each in seconds.items():
            total[owners[index]] += each
        for name, each in total.items():
            found[name].append(each)
    return {name: statistics.median(each) for name, each in found.items() if name}


_OPEN = (
    "; the sizes of its inputs are open, and small ones were made up: "
    "give it inputs (from a shell, --input 1x224x224x3)"
)


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

    Some it takes apart itself when it loads a model, and would tell of the parts by names of its
    own; others it refuses, though ONNX says what they are made of. The nodes are named by their
    places, those in bodies apart.
    """
    done: set[str] = set()
    while True:
        with tempfile.TemporaryDirectory() as folder:
            path = str(Path(folder) / "apart.onnx")
            options = _options()
            options.optimized_model_filepath = path
            try:
                _session(model, options)
            except RunError as error:
                lacking = _LACKING.search(str(error))
                if lacking is None or lacking[1] in done:
                    raise
                done.add(lacking[1])
                model = _inlined(model, lacking[1])
                continue
            apart = onnx.load(path)
        for index, node in enumerate(apart.graph.node):
            node.name = f"{_NODE}{index}"
        return apart


_NODE = "graphlens#"
_EVENT = re.compile(rf"{_NODE}(\d+)_kernel_time")
"""What the nodes of the graph itself are called, and their events."""
_LACKING = re.compile(r"Could not find an implementation for (\w+)\(")
"""How ONNX Runtime names an op that it has no kernel for."""


def _inlined(model: onnx.ModelProto, op: str) -> onnx.ModelProto:
    """The model with the ops of a kind as ONNX's schema defines them, if it does."""
    whole = onnx.ModelProto()
    whole.CopyFrom(model)
    _set_defaults(whole.graph, op)
    return inline_selected_functions(whole, [("", op)], inline_schema_functions=True)


def _set_defaults(graph: onnx.GraphProto, op: str) -> None:
    """Write out the attributes of the ops of a kind: their definition reads what is written."""
    for node in graph.node:
        if node.op_type == op and not node.domain:
            given = {attribute.name for attribute in node.attribute}
            missing = [pair for pair in defaults(op).items() if pair[0] not in given]
            node.attribute.extend(onnx.helper.make_attribute(*pair) for pair in missing)
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.GRAPH:
                _set_defaults(attribute.g, op)


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
        raise RunError(f"ONNX Runtime does not take it as a whole: {error}") from error


def _measured(
    model: onnx.ModelProto, feeds: Mapping[str, np.ndarray], runs: int, hint: str
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
            raise RunError(f"ONNX Runtime failed on it: {error}{hint}") from error
        events = json.loads(Path(opened.end_profiling()).read_text())
    seen: dict[int, list[float]] = defaultdict(list)
    for event in events:  # those of the bodies of control flow are part of their node's
        told = _EVENT.fullmatch(event.get("name", ""))
        if told and event.get("cat") == "Node":
            seen[int(told[1])].append(event["dur"] / 1e6)
    return [{index: each[run + 1] for index, each in seen.items()} for run in range(runs)]
