"""Lets a CUDA build of torchvision be imported beside a CPU build of torch, in our own .venv.

Package registries offer torchvision for Linux as a CUDA build only; beside a CPU torch its C ops do
not load, and its import fails for want of ``torchvision::nms`` (and with it that of timm, and of
the vision models of transformers). Its models are Python and need no C op. ``make venv`` puts this
file and a ``.pth`` of the same name into the virtual environment of the tests; graphlens itself
knows nothing of it. It does nothing until torchvision is imported, and nothing where that is sound.
"""

from __future__ import annotations

import sys

_SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)
_kept: list[object] = []


class Finder:
    """A finder that finds nothing: it is asked first, just before torchvision is imported."""

    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> None:
        """Define the two schemas where the torchvision that is about to be imported needs them."""
        del path, target
        if name == "torchvision" and not _kept and _is_for_cuda():
            _define()


def _is_for_cuda() -> bool:
    # Imported here, since every start of Python in this environment reads this file.
    import importlib.machinery
    import pathlib

    spec = importlib.machinery.PathFinder.find_spec("torchvision")
    if spec is None or spec.origin is None:
        return False
    version = pathlib.Path(spec.origin).with_name("version.py")
    return version.is_file() and "+cu" in version.read_text()


def _define() -> None:
    import torch

    if torch.version.cuda is not None or hasattr(torch.ops.torchvision, "nms"):
        return
    library = torch.library.Library("torchvision", "FRAGMENT")
    for schema in _SCHEMAS:
        library.define(schema)
    _kept.append(library)


sys.meta_path.insert(0, Finder)
