"""Lets a CUDA build of torchvision be imported beside a CPU build of torch, in our own .venv.

Package registries offer torchvision for Linux as a CUDA build only; beside a CPU torch its C ops do
not load, and its import fails for want of ``torchvision::nms`` (and with it that of timm, and of
the vision models of transformers). Its models are Python and need no C op. ``make venv`` puts this
file and a ``.pth`` of the same name into the virtual environment of the tests; graphlens itself
knows nothing of it. It does nothing until torchvision is imported, and nothing where that is sound.

The two C ops that detection models run, ``nms`` and ``roi_align``, get slow kernels in Python.
"""

from __future__ import annotations

import sys
from typing import Any

_SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "roi_align(Tensor input, Tensor rois, float spatial_scale, int pooled_height, "
    "int pooled_width, int sampling_ratio, bool aligned) -> Tensor",
)
_PATCHED = {
    "torchvision.extension": ("_assert_has_ops", lambda: None),
    "torchvision.ops.roi_align": ("_has_ops", lambda: True),
}
"""Modules that ask whether the C ops are there, and what they are told."""
_kept: list[object] = []


class Finder:
    """Asked first for every module: sees that torchvision finds what it looks for."""

    @staticmethod
    def find_spec(name: str, path: Any = None, target: object = None) -> Any:
        """Define the ops where the torchvision that is about to be imported needs them."""
        del target
        if name == "torchvision" and not _kept and _is_for_cuda():
            _define()
        if not _kept or name not in _PATCHED:
            return None
        import importlib.machinery

        spec = importlib.machinery.PathFinder.find_spec(name, path)
        if spec is not None and spec.loader is not None:
            run, (attribute, value) = spec.loader.exec_module, _PATCHED[name]

            def patched(module: Any) -> None:
                run(module)
                setattr(module, attribute, value)

            spec.loader.exec_module = patched  # type: ignore[method-assign]
        return spec


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
    library.impl("nms", _nms, "CPU")
    library.impl("roi_align", _roi_align, "CPU")
    library.impl("roi_align", _roi_align_type, "Meta")
    _kept.append(library)


def _nms(dets: Any, scores: Any, iou_threshold: float) -> Any:
    """The boxes that overlap no better one by more than the threshold, best first."""
    import torch

    left, top, right, bottom = dets.double().unbind(1)
    area = (right - left) * (bottom - top)
    waiting = scores.argsort(descending=True, stable=True)
    kept = []
    while waiting.numel():
        best, waiting = waiting[0], waiting[1:]
        kept.append(best)
        wide = torch.minimum(right[best], right[waiting]) - torch.maximum(left[best], left[waiting])
        high = torch.minimum(bottom[best], bottom[waiting]) - torch.maximum(top[best], top[waiting])
        shared = wide.clamp(min=0) * high.clamp(min=0)
        iou = shared / (area[best] + area[waiting] - shared)
        waiting = waiting[~(iou > iou_threshold)]
    return torch.stack(kept) if kept else torch.zeros(0, dtype=torch.int64)


def _roi_align(
    images: Any, rois: Any, scale: float, high: int, wide: int, sampling: int, aligned: bool
) -> Any:
    """Means over a grid of points in each part of a region; a point outside of the image is 0.

    As the C op does it: torchvision's own form in Python takes the nearest point inside.
    """
    import torch

    left, top, right, bottom = (rois[:, 1:] * scale - (0.5 if aligned else 0.0)).unbind(1)
    sizes = [bottom - top, right - left]
    tall, broad = sizes if aligned else [size.clamp(min=1) for size in sizes]
    made = [
        torch.einsum(
            "ph,chw,qw->cpq",
            _weights(top[k], tall[k], high, images.shape[2], sampling),
            images[int(rois[k, 0])],
            _weights(left[k], broad[k], wide, images.shape[3], sampling),
        )
        for k in range(len(rois))
    ]
    return torch.stack(made) if made else images.new_zeros((0, images.shape[1], high, wide))


def _weights(start: Any, length: Any, parts: int, size: int, sampling: int) -> Any:
    """How much of each row of an image is in each part of a region, ``[parts, size]``."""
    import torch

    grid = sampling if sampling > 0 else max(int((length / parts).ceil()), 1)
    places = start + (torch.arange(parts * grid) + 0.5) * (length / (parts * grid))
    inside = (places >= -1) & (places <= size)
    held = places.clamp(0, size - 1)
    low = held.floor().long()
    part = (held - low)[:, None]
    rows = torch.eye(size, dtype=start.dtype)
    weights = rows[low] * (1 - part) + rows[(low + 1).clamp(max=size - 1)] * part
    return (weights * inside[:, None]).view(parts, grid, size).mean(1)


def _roi_align_type(images: Any, rois: Any, scale: float, high: int, wide: int, *_: Any) -> Any:
    return images.new_empty((rois.shape[0], images.shape[1], high, wide))


sys.meta_path.insert(0, Finder)
