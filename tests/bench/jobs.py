"""One timed job in a process of its own: ``python jobs.py NAME FOLDER [ARGUMENT]`` prints JSON.

What is imported is imported before the clock starts; what is timed is the work, once, in a process
that has not done it before.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import models


def picture_by_graphlens(folder: Path, _: str) -> Callable[[], dict]:
    """Capture, canonicalise, SVG."""
    from graphlens.passes.canonicalize import canonicalize

    import graphlens

    model, example = models.resnet50()
    target = folder / "graphlens.svg"
    _warm(graphlens, folder)

    def job() -> dict:
        graph = canonicalize(graphlens.capture(model, example))
        graphlens.draw(graph, target)
        return {"nodes": len(graph), "bytes": target.stat().st_size}

    return job


def picture_by_torchview(folder: Path, _: str) -> Callable[[], dict]:
    """torchview's own graph of every operation, as SVG."""
    import torchview

    model, example = models.resnet50()
    target = folder / "torchview.svg"

    def job() -> dict:
        drawn = torchview.draw_graph(model, input_data=example, expand_nested=True, depth=10)
        target.write_bytes(drawn.visual_graph.pipe("svg"))
        return {"nodes": len(drawn.visual_graph.body), "bytes": target.stat().st_size}

    return job


def pipeline_by_graphlens(folder: Path, name: str) -> Callable[[], dict]:
    """An ONNX file through the default pipeline, without proofs."""
    import graphlens
    from graphlens.analysis.cost import kernels

    path = models.exported(name, folder)
    _warm(graphlens, folder)

    def job() -> dict:
        history = graphlens.optimize(graphlens.capture(path), prove=False)
        return {"nodes": len(history.after), "kernels": kernels(history.after)}

    return job


def pipeline_by_onnxsim(folder: Path, name: str) -> Callable[[], dict]:
    """The same file through onnxsim, without its check."""
    import onnx
    import onnxsim

    path = models.exported(name, folder)

    def job() -> dict:
        model, _ = onnxsim.simplify(onnx.load(path), check_n=0)
        return {"nodes": len(model.graph.node)}

    return job


def growth(_: Path, nodes: str) -> Callable[[], dict]:
    """A synthetic graph from its ONNX model to its History, without proofs."""
    import graphlens

    model = models.synthetic(int(nodes))
    _warm(graphlens, Path())

    def job() -> dict:
        history = graphlens.optimize(graphlens.capture(model), prove=False)
        return {"nodes": len(history.before), "kernels": history.result.kernels}

    return job


JOBS = {
    job.__name__: job
    for job in (
        picture_by_graphlens,
        picture_by_torchview,
        pipeline_by_graphlens,
        pipeline_by_onnxsim,
        growth,
    )
}


def _warm(graphlens, folder: Path) -> None:
    """Import what the job will, on a graph of five nodes."""
    del folder
    graphlens.optimize(graphlens.capture(models.synthetic(5)), prove=False)


def main() -> None:
    """Do the job and print how long it took."""
    warnings.simplefilter("ignore")
    name, folder, argument = sys.argv[1:4]
    job = JOBS[name](Path(folder), argument)
    start = time.perf_counter()
    found = job()
    seconds = time.perf_counter() - start
    print(json.dumps({"seconds": seconds, **found}))


if __name__ == "__main__":
    main()
