"""Rows of the aten table: convolutions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphlens.frontends.torch.call import Call, row
from graphlens.ir.node import Value


def spread(values: Any, count: int) -> tuple[int, ...]:
    """A number or a list of one, as one value an axis."""
    held = [values] if isinstance(values, int | float) else list(values)
    return tuple(held * count if len(held) == 1 else held)


def unbatched(call: Call, x: Value, spatial: int) -> bool:
    """Whether torch was given [C, spatial...] without a batch, which ONNX does not take."""
    return call.rank(x) == spatial + 1


def with_batch(call: Call, op: str, spatial: int, x: Value, *more: Any, **attributes: Any) -> Value:
    """Emit an op that needs a batch axis, which is made and taken away where there is none."""
    if not unbatched(call, x, spatial):
        return call.emit(op, x, *more, **attributes)
    held = call.type(x).with_shape((1, *call.shape(x)))
    batched = call.step("Unsqueeze", x, call.const([0]), type=held)
    made = call.out.with_shape((1, *(call.out.shape or ())))
    result = call.step(op, batched, *more, type=made, **attributes)
    return call.emit("Squeeze", result, call.const([0]))


@row("conv1d", "conv2d", "conv3d")
def _conv(
    call: Call,
    x: Value,
    weight: Value,
    bias: Value | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Value:
    shape = call.shape(weight)
    spatial, dtype = len(shape) - 2, call.out.dtype
    stride, dilation = spread(stride, spatial), spread(dilation, spatial)
    kernel = tuple(int(dim) for dim in shape[2:])
    operands = [call.cast(weight, dtype), None if bias is None else call.cast(bias, dtype)]
    return with_batch(
        call,
        "Conv",
        spatial,
        call.cast(x, dtype),
        *operands,
        kernel_shape=kernel,
        strides=stride,
        pads=_conv_pads(padding, kernel, dilation),
        dilations=dilation,
        group=groups,
    )


def _conv_pads(padding: Any, kernel: Sequence[int], dilation: Sequence[int]) -> tuple[int, ...]:
    """Paddings at the start of each axis, then at its end; 'same' puts the odd one at the end."""
    if padding == "valid":
        return (0,) * (2 * len(kernel))
    if padding == "same":
        total = [d * (k - 1) for d, k in zip(dilation, kernel, strict=True)]
        return (*(t // 2 for t in total), *(t - t // 2 for t in total))
    return spread(padding, len(kernel)) * 2


@row("convolution", "_convolution")
def _convolution(
    call: Call,
    x: Value,
    weight: Value,
    bias: Value | None,
    stride: Any,
    padding: Any,
    dilation: Any,
    transposed: bool,
    output_padding: Any,
    groups: int,
    *_: Any,
) -> Value:
    if transposed:
        return _conv_transpose(
            call, x, weight, bias, stride, padding, output_padding, groups, dilation
        )
    return _conv(call, x, weight, bias, stride, padding, dilation, groups)


@row("conv_transpose1d", "conv_transpose2d", "conv_transpose3d")
def _conv_transpose(
    call: Call,
    x: Value,
    weight: Value,
    bias: Value | None = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Value:
    shape = call.shape(weight)
    spatial, dtype = len(shape) - 2, call.out.dtype
    return with_batch(
        call,
        "ConvTranspose",
        spatial,
        call.cast(x, dtype),
        call.cast(weight, dtype),
        None if bias is None else call.cast(bias, dtype),
        kernel_shape=tuple(int(dim) for dim in shape[2:]),
        strides=spread(stride, spatial),
        pads=spread(padding, spatial) * 2,
        output_padding=spread(output_padding, spatial),
        dilations=spread(dilation, spatial),
        group=groups,
    )
