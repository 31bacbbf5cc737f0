"""ONNX Runtime's graph optimisations as a pass."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import onnx
import onnxruntime as runtime

from graphlens.errors import PassError, unknown_name
from graphlens.frontends.onnx import file as onnx_file
from graphlens.ir.edit import Editor
from graphlens.ir.graph import Graph
from graphlens.runtime.lower import save_onnx

LEVELS = {
    "basic": runtime.GraphOptimizationLevel.ORT_ENABLE_BASIC,
    "extended": runtime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED,
    "all": runtime.GraphOptimizationLevel.ORT_ENABLE_ALL,
}
"""``basic``: what holds on any device; ``extended``: fused operators of its own besides; ``all``:
blocked data layouts (NCHWc) of this processor besides."""


def onnxruntime(graph: Graph, *, level: str = "extended") -> Graph:
    """The graph that ONNX Runtime would run in place of this one on the CPU.

    Operators that it invented stay in its own domains (``com.microsoft.FusedConv``).

    Args:
        graph: What is handed to it, in ONNX's form.
        level: One of `LEVELS`.

    Raises:
        PassError: If ONNX Runtime does not take the graph.
        UsageError: If there is no such level.

    See https://onnxruntime.ai/docs/performance/model-optimizations/graph-optimizations.html.
    """
    if level not in LEVELS:
        raise unknown_name("level of ONNX Runtime", level, LEVELS)
    with tempfile.TemporaryDirectory() as folder:
        before, after = Path(folder, "before.onnx"), Path(folder, "after.onnx")
        save_onnx(graph, before)
        options: Any = runtime.SessionOptions()
        options.graph_optimization_level = LEVELS[level]
        options.optimized_model_filepath = str(after)
        options.log_severity_level = 4
        try:
            runtime.InferenceSession(str(before), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # its errors share no base class
            raise PassError(f"ONNX Runtime does not take the graph: {error}") from error
        return _with_origins(onnx_file.capture(onnx.load(after)), graph)


def _with_origins(optimized: Graph, graph: Graph) -> Graph:
    """The optimised graph; a node that kept its name stands for what stood there before."""
    draft = Editor(optimized)
    optimized.name = graph.name
    for name in list(optimized):
        if name in graph:
            held = graph.nodes[name]
            draft.update(name, origins=held["origins"], scope=held["scope"])
    done = draft.finish()
    done.scopes.update(graph.scopes)
    return done
