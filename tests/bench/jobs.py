"""One timed job in a process of its own: ``python jobs.py NAME FOLDER [ARGUMENT]`` prints JSON.

Every job is done once on a tiny model before the clock starts, so that what is imported on first
use is not counted for anybody; what is timed is the work on the model itself, once.
"""

from __future__ import annotations

import json
import os
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import models

sys.path.insert(0, str(Path(__file__).parents[1]))
import picture_geometry  # what the tests of pictures measure with
import picture_graphs

Job = Callable[[], dict]


def picture_by_graphlens(folder: Path, _: str) -> Job:
    """Capture, canonicalise, SVG."""
    import graphlens
    from graphlens.passes.canonicalize import canonicalize

    def draw(model, example) -> dict:
        graph = canonicalize(graphlens.capture(model, example))
        graphlens.draw(graph, folder / "graphlens.svg")
        return {"nodes": len(graph)}

    return _warmed(draw, models.tiny(), models.resnet50())


def picture_by_torchview(folder: Path, _: str) -> Job:
    """torchview's own graph of every operation, as SVG."""
    import torchview

    def draw(model, example) -> dict:
        drawn = torchview.draw_graph(model, input_data=example, expand_nested=True, depth=10)
        (folder / "torchview.svg").write_bytes(drawn.visual_graph.pipe("svg"))
        return {"nodes": len(drawn.visual_graph.body)}

    return _warmed(draw, models.tiny(), models.resnet50())


def drawn_by_graphlens(folder: Path, name: str) -> Job:
    """The default picture of a captured model, and what can be measured of it."""
    import graphlens

    def draw(model, *example) -> dict:
        graph = graphlens.capture(model, *example)
        path = folder / f"{name}.graphlens.svg"
        start = _cpu_seconds()
        graphlens.draw(graph, path)
        return {"drawing": _cpu_seconds() - start, **_measured(path)}

    return _warmed(draw, models.tiny(), models.MODELS[name]())


def before_and_after(folder: Path, name: str) -> Job:
    """The default picture before and after all passes, and what can be measured of it."""
    import graphlens

    def draw(model, *example) -> dict:
        history = graphlens.optimize(graphlens.capture(model, *example), prove=False)
        path = folder / f"{name}.before_after.svg"
        start = _cpu_seconds()
        graphlens.draw(history, path)
        return {"drawing": _cpu_seconds() - start, **_measured(path)}

    return _warmed(draw, models.tiny(), models.MODELS[name]())


def drawn_by_torchview(folder: Path, name: str) -> Job:
    """torchview's default picture (three levels of modules) of the same model."""
    import torchview

    def draw(model, *example) -> dict:
        drawn = torchview.draw_graph(model, input_data=example, expand_nested=True, depth=3)
        path = folder / f"{name}.torchview.svg"
        start = _cpu_seconds()
        path.write_bytes(drawn.visual_graph.pipe("svg"))
        return {"drawing": _cpu_seconds() - start, **_measured(path)}

    return _warmed(draw, models.tiny(), models.MODELS[name]())


UNLIKE = {
    "scattered": lambda: picture_graphs.scattered(20_000),
    "scattered in scopes": lambda: picture_graphs.scattered(20_000, scoped=True),
    "joined inputs": lambda: picture_graphs.joined_inputs(20_000),
    "branches of 5": lambda: picture_graphs.branches(4_000),
    "short branches": lambda: picture_graphs.branches(20_000, 1),
}
"""Graphs of some 20,000 nodes that no model looks like."""


def unlike_any_model(folder: Path, argument: str) -> Job:
    """A graph of `UNLIKE` folded, flat or as a page: ``'flat:scattered'``."""
    import graphlens

    how, _, name = argument.partition(":")
    path = folder / f"{how} {name}.{'html' if how == 'page' else 'svg'}"

    def draw(graph) -> dict:
        graphlens.draw(graph, path, **({"flat": True} if how == "flat" else {}))
        return {"nodes": len(graph)}

    return _warmed(draw, (picture_graphs.scattered(20),), (UNLIKE[name](),))


def _measured(path: Path) -> dict:
    found = picture_geometry.read(path.read_text())
    return {
        "type": picture_geometry.type_size(found),
        "aspect": picture_geometry.aspect(found),
        "boxes": len(found.boxes),
        "crossings": picture_geometry.crossings(found),
        "over_boxes": picture_geometry.over_boxes(found),
        "overlaps": len(picture_geometry.overlapping_texts(found)),
        "over_lines": len(picture_geometry.texts_over_lines(found)),
        "over_frames": len(picture_geometry.texts_over_frames(found)),
        "cut": len(picture_geometry.cut_texts(found)),
        "bytes": found.bytes,
    }


def pipeline_by_graphlens(folder: Path, name: str) -> Job:
    """An ONNX file through the default pipeline, without proofs."""
    import graphlens

    def optimize(model) -> dict:
        history = graphlens.optimize(graphlens.capture(model), prove=False)
        return {"kernels": history.result.kernels}

    return _warmed(optimize, (models.synthetic(5),), (models.exported(name, folder),))


def pipeline_by_onnxsim(folder: Path, name: str) -> Job:
    """The same file through onnxsim, without its check."""
    import onnx
    import onnxsim

    def simplify(model) -> dict:
        if isinstance(model, Path):
            model = onnx.load(model)
        return {"nodes": len(onnxsim.simplify(model, check_n=0)[0].graph.node)}

    return _warmed(simplify, (models.synthetic(5),), (models.exported(name, folder),))


def growth(_: Path, nodes: str) -> Job:
    """A synthetic graph from its ONNX model to its History, without proofs."""
    import graphlens

    def optimize(model) -> dict:
        history = graphlens.optimize(graphlens.capture(model), prove=False)
        return {"nodes": len(history.before), "kernels": history.result.kernels}

    return _warmed(optimize, (models.synthetic(5),), (models.synthetic(int(nodes)),))


def _warmed(work: Callable[..., dict], tiny: tuple, given: tuple) -> Job:
    """The work on what is given, once it has been done on a tiny model."""
    work(*tiny)
    return lambda: work(*given)


JOBS = {
    job.__name__: job
    for job in (
        picture_by_graphlens,
        picture_by_torchview,
        drawn_by_graphlens,
        before_and_after,
        drawn_by_torchview,
        pipeline_by_graphlens,
        pipeline_by_onnxsim,
        growth,
        unlike_any_model,
    )
}


def main() -> None:
    """Do the job and print how long it took."""
    warnings.simplefilter("ignore")
    name, folder, argument = sys.argv[1:4]
    job = JOBS[name](Path(folder), argument)
    start = _cpu_seconds()
    found = job()
    print(json.dumps({"seconds": _cpu_seconds() - start, **found}))


def _cpu_seconds() -> float:
    """Of this process and its children (dot): what else the machine does is not counted."""
    return sum(os.times()[:4])


if __name__ == "__main__":
    main()
