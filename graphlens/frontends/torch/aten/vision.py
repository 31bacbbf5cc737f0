"""Rows of torchvision's own ops: boxes and regions of images."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphlens.frontends.torch.call import Call, row
from graphlens.ir.node import Value


@row("torchvision::nms")
def _nms(call: Call, boxes: Value, scores: Value, threshold: float) -> Value:
    """Which boxes are kept, best first."""
    batch = call.step("Unsqueeze", call.cast(boxes, "float32"), call.const([0]))
    held = call.step("Unsqueeze", call.cast(scores, "float32"), call.const([0, 1]))
    most = call.const([np.iinfo(np.int64).max])
    limit = call.const(np.array([threshold]), "float32")
    kept = call.step("NonMaxSuppression", batch, held, most, limit)
    return call.emit("Gather", kept, call.const(np.array(2, np.int64)), axis=1)


@row("torchvision::roi_align")
def _roi_align(
    call: Call,
    x: Value,
    rois: Value,
    scale: float,
    height: int,
    width: int,
    sampling: int,
    aligned: bool,
) -> Value:
    boxes, which = _boxes(call, rois)
    return call.emit(
        "RoiAlign",
        x,
        boxes,
        which,
        mode="avg",
        output_height=int(height),
        output_width=int(width),
        sampling_ratio=max(sampling, 0),
        spatial_scale=float(scale),
        coordinate_transformation_mode="half_pixel" if aligned else "output_half_pixel",
    )


def _boxes(call: Call, rois: Value) -> tuple[Value, Value]:
    """Regions [n, 5] as boxes [n, 4], and the image of each."""
    axis = call.const([1])
    boxes = call.step("Slice", rois, call.const([1]), call.const([5]), axis)
    which = call.step("Gather", rois, call.const(np.array(0, np.int64)), axis=1)
    return boxes, call.cast(which, "int64")


@row("torchvision::deform_conv2d")
def _deform_conv2d(
    call: Call, x: Value, weight: Value, offset: Value, mask: Value, bias: Value, *rest: Any
) -> Value:
    strides, pads, dilations = rest[:2], rest[2:4], rest[4:6]
    groups, offset_groups, masked = rest[6:9]
    return call.emit(
        "DeformConv",
        x,
        weight,
        offset,
        bias,
        mask if masked else None,
        kernel_shape=tuple(int(n) for n in call.shape(weight)[2:]),
        strides=tuple(strides),
        pads=(*pads, *pads),
        dilations=tuple(dilations),
        group=groups,
        offset_group=offset_groups,
    )
