"""Layouts, strides and paddings of TensorFlow's ops on images, in ONNX's terms."""

from __future__ import annotations

from dataclasses import dataclass

from graphlens.frontends.tf.call import Call
from graphlens.ir.node import Attribute
from graphlens.tensor import Dim


@dataclass(frozen=True)
class Frame:
    """Where an op's image has its axes."""

    last: bool
    rank: int

    @classmethod
    def of(cls, call: Call, default: str = "NHWC", rank: int = 4) -> Frame:
        """The frame that the op's data_format names."""
        try:
            named = call.attr("data_format")
        except ValueError:
            named = default
        return cls(named.endswith("C"), rank)

    @property
    def word(self) -> str | None:
        """The attribute that says it, None for ONNX's own order."""
        return "NHWC" if self.last else None

    @property
    def channel(self) -> int:
        """The axis of the channels."""
        return self.rank - 1 if self.last else 1

    def spatial(self, numbers: tuple[Dim, ...]) -> tuple[Dim, ...]:
        """Of one number an axis, those of the spatial axes."""
        return numbers[1:-1] if self.last else numbers[2:]


def window(
    call: Call, frame: Frame, image: tuple[Dim, ...] | None, kernel: tuple[Dim, ...]
) -> dict[str, Attribute]:
    """Strides, dilations and pads; pads are worked out where the sizes are known."""
    strides = frame.spatial(call.attr("strides"))
    dilations = frame.spatial(_optional(call, "dilations", (1,) * frame.rank))
    attributes: dict[str, Attribute] = {"strides": strides}
    if any(step != 1 for step in dilations):
        attributes["dilations"] = dilations
    padding = call.attr("padding")
    if padding == "EXPLICIT":
        pairs = call.attr("explicit_paddings")
        begins, ends = frame.spatial(pairs[::2]), frame.spatial(pairs[1::2])
        attributes["pads"] = (*begins, *ends)
    elif padding == "SAME":
        pads = _same_pads(image, kernel, strides, dilations)
        attributes.update({"pads": pads} if pads else {"auto_pad": "SAME_UPPER"})
    return attributes


def _optional(call: Call, name: str, default: tuple[int, ...]) -> tuple[int, ...]:
    try:
        return call.attr(name) or default
    except ValueError:
        return default


def _same_pads(
    image: tuple[Dim, ...] | None,
    kernel: tuple[Dim, ...],
    strides: tuple[Dim, ...],
    dilations: tuple[Dim, ...],
) -> tuple[int, ...]:
    """TF's SAME as explicit pads, the odd one at the end; empty where a size is not known."""
    if image is None:
        return ()
    begins: list[int] = []
    ends: list[int] = []
    for size, width, step, spread in zip(image, kernel, strides, dilations, strict=True):
        if not all(isinstance(number, int) for number in (size, width, step, spread)):
            return ()
        total = max((-(-size // step) - 1) * step + (width - 1) * spread + 1 - size, 0)
        begins.append(total // 2)
        ends.append(total - total // 2)
    return (*begins, *ends)
