"""Explicit pads for the ``auto_pad`` that TensorFlow's SAME and VALID become."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphlens.tensor import TensorType


def explicit_padding(
    op: str, attributes: Mapping[str, Any], read: TensorType | None, made: TensorType
) -> dict[str, Any]:
    """The attributes with ``auto_pad`` written as ``pads``, unchanged where that cannot be known.

    Args:
        op: The op: a convolution or a pool.
        attributes: Its attributes; a convolution's must have its kernel_shape, or the kernel's
            size is not known here.
        read: The type of the image.
        made: The type of the result.
    """
    mode = attributes["auto_pad"]
    rest = {key: value for key, value in attributes.items() if key != "auto_pad"}
    if mode == "NOTSET":
        return rest
    if mode == "VALID":
        return {key: value for key, value in rest.items() if key != "pads"}
    pads = _same(rest, read, made, upper=mode == "SAME_UPPER") if op != "ConvTranspose" else None
    return dict(attributes) if pads is None else {**rest, "pads": pads}


def _same(
    attributes: Mapping[str, Any], read: TensorType | None, made: TensorType, *, upper: bool
) -> tuple[int, ...] | None:
    """Pads that make the result ceil(size / stride) long, the odd one last if ``upper``."""
    kernel = attributes.get("kernel_shape")
    if kernel is None or read is None or read.shape is None or made.shape is None:
        return None
    last = attributes.get("data_format") == "NHWC"
    sizes = read.shape[1:-1] if last else read.shape[2:]
    wanted = made.shape[1:-1] if last else made.shape[2:]
    count = len(kernel)
    strides = attributes.get("strides", (1,) * count)
    dilations = attributes.get("dilations", (1,) * count)
    totals: list[int] = []
    for index in range(count):
        reach = dilations[index] * (kernel[index] - 1)
        size, result = sizes[index], wanted[index]
        if strides[index] == 1:
            totals.append(reach)
        elif isinstance(size, int) and isinstance(result, int):
            totals.append(max((result - 1) * strides[index] + reach + 1 - size, 0))
        else:
            return None
    small = [total // 2 for total in totals]
    large = [total - part for total, part in zip(totals, small, strict=True)]
    return (*small, *large) if upper else (*large, *small)
