"""The main job on a real model: ``python gallery/demo.py build/demo``, or ``make demo``.

ResNet-50 from PyTorch by ``torch.fx``, and its Keras twin with the same weights from TensorFlow
graph mode: both captured, shown to be one graph, optimised with every step proven by running, and
drawn. Everything printed is measured in this run.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import torch
import torchvision
from resnet50_twins import keras_resnet50

import graphlens


def main(folder: Path) -> None:
    """Do the job for both frameworks; leave pictures, memory maps and a report in ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    model = torchvision.models.resnet50().eval()
    image = np.random.default_rng(0).standard_normal((1, 3, 224, 224), dtype=np.float32)

    say("capturing ResNet-50 from PyTorch by torch.fx ...")
    from_torch = graphlens.capture(model, torch.from_numpy(image), via="torch.fx")
    say("capturing its Keras twin from TensorFlow graph mode ...")
    twin = keras_resnet50(model)
    from_keras = graphlens.capture(twin, image.transpose(0, 2, 3, 1), via="keras")

    report = {
        "one_graph": graphlens.equivalent(from_torch, from_keras),
        "against_framework": {
            "torch.fx": error_of(from_torch, image, model(torch.from_numpy(image)).detach()),
            "keras": error_of(from_keras, image.transpose(0, 2, 3, 1), twin_output(twin, image)),
        },
    }
    for name, graph in {"torch": from_torch, "keras": from_keras}.items():
        say(f"optimising and proving {name}'s graph ...")
        report[name] = study(graph, folder, f"resnet50_{name}")
    (folder / "report.json").write_text(json.dumps(report, indent=1) + "\n")
    print_table(report)
    print(f"pictures and report in {folder}/:", *sorted(path.name for path in folder.iterdir()))


def study(graph: graphlens.Graph, folder: Path, name: str) -> dict[str, object]:
    """Optimise and draw one graph; its report."""
    history = graphlens.optimize(graph)
    graphlens.draw(graph, folder / f"{name}.svg")
    graphlens.draw(history, folder / f"{name}_before_after.svg")
    graphlens.draw(graphlens.plan_memory(history.after), folder / f"{name}_memory.svg")
    return history.report()


def error_of(graph: graphlens.Graph, image: np.ndarray, wanted: object) -> float:
    """Largest absolute difference between graphlens's run of a graph and the framework's own."""
    return float(np.abs(graphlens.run(graph, image)[0] - np.asarray(wanted)).max())


def twin_output(twin: object, image: np.ndarray) -> np.ndarray:
    """What Keras itself computes on the same image, which it takes channels last."""
    return np.asarray(twin(image.transpose(0, 2, 3, 1), training=False))


def print_table(report: dict) -> None:
    """One row a framework and moment, and what was proven."""
    heads = ("", "nodes", "kernels K", "traffic I", "peak memory", "largest error")
    rows = [heads]
    for side in ("torch", "keras"):
        steps = [report[side]["captured"], report[side]["steps"][-1]]
        for moment, step in zip(("captured", "optimised"), steps, strict=True):
            rows.append((f"{side}, {moment}", *cells(step)))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)))
    print("largest error against the framework itself:", report["against_framework"])
    print("PyTorch's and Keras's graph are one graph:", report["one_graph"])


def cells(step: dict) -> tuple[str, ...]:
    """Numbers of one moment, as printed."""
    error = step["max_abs_error"]
    return (
        str(step["nodes"]),
        str(step["kernels"]),
        f"{step['traffic_bytes'] / 1e6:.1f} MB",
        f"{step['peak_bytes'] / 1e6:.2f} MB",
        "-" if error is None else f"{error:.1e} ({step['status']})",
    )


def say(line: str) -> None:
    """Progress, apart from the results."""
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "build/demo"))
