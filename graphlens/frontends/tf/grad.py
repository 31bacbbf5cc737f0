"""TensorFlow's gradients of activations, losses and normalisations, as rows of the op table."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from graphlens.frontends.tf.call import Call, Literal, Operand, Row
from graphlens.frontends.tf.window import Frame
from graphlens.ir.node import Value

_SELU_SCALE = 1.0507009873554805
_SELU_SLOPE = 1.7580993408473768


class _Terms:
    """Arithmetic on the operands of one op, written node by node."""

    def __init__(self, call: Call) -> None:
        self.call = call
        self.dtype = call.type(0).dtype

    def number(self, number: float) -> Value:
        return self.call.const(number, self.dtype)

    def mul(self, x: Value, y: Value | float) -> Value:
        return self.call.step("Mul", x, y if isinstance(y, Value) else self.number(y))

    def add(self, x: Value, y: Value | float) -> Value:
        return self.call.step("Add", x, y if isinstance(y, Value) else self.number(y))

    def sub(self, x: Value | float, y: Value) -> Value:
        return self.call.step("Sub", x if isinstance(x, Value) else self.number(x), y)

    def above(self, x: Value, number: float) -> Value:
        return self.call.step("Greater", x, self.number(number))


def _chosen(term: Callable[[_Terms, Value, Value], tuple[Value, Value, Value]]) -> Row:
    """A gradient by cases: condition, what it is if that holds, what it is if not."""

    def row(call: Call) -> Value:
        return call.emit("Where", *term(_Terms(call), call.value(0), call.value(1)))

    return row


def _relu(t: _Terms, gradient: Value, x: Value) -> tuple[Value, Value, Value]:
    return t.above(x, 0), gradient, t.number(0)


def _relu6(t: _Terms, gradient: Value, x: Value) -> tuple[Value, Value, Value]:
    below = t.call.step("Less", x, t.number(6))
    return t.call.step("And", t.above(x, 0), below), gradient, t.number(0)


def _leaky(t: _Terms, gradient: Value, x: Value) -> tuple[Value, Value, Value]:
    return t.above(x, 0), gradient, t.mul(gradient, float(t.call.attr("alpha")))


def _elu(t: _Terms, gradient: Value, y: Value) -> tuple[Value, Value, Value]:
    negative = t.call.step("Less", y, t.number(0))
    return negative, t.mul(gradient, t.add(y, 1)), gradient


def _selu(t: _Terms, gradient: Value, y: Value) -> tuple[Value, Value, Value]:
    negative = t.call.step("Less", y, t.number(0))
    return negative, t.mul(gradient, t.add(y, _SELU_SLOPE)), t.mul(gradient, _SELU_SCALE)


def _product(term: Callable[[_Terms, Value], Value], gradient: int) -> Row:
    """A gradient that is the one given times a function of the other operand."""

    def row(call: Call) -> Value:
        factor = term(_Terms(call), call.value(1 - gradient))
        return call.emit("Mul", call.value(gradient), factor)

    return row


def _of_sigmoid(t: _Terms, y: Value) -> Value:
    return t.mul(y, t.sub(1, y))


def _of_tanh(t: _Terms, y: Value) -> Value:
    return t.sub(1, t.mul(y, y))


def _of_sqrt(t: _Terms, y: Value) -> Value:
    return t.call.step("Div", t.number(0.5), y)


def _of_rsqrt(t: _Terms, y: Value) -> Value:
    return t.mul(t.mul(t.mul(y, y), y), -0.5)


def _of_reciprocal(t: _Terms, y: Value) -> Value:
    return t.call.step("Neg", t.mul(y, y))


def _of_softplus(t: _Terms, x: Value) -> Value:
    return t.call.step("Sigmoid", x)


def _of_softsign(t: _Terms, x: Value) -> Value:
    once = t.call.step("Reciprocal", t.add(t.call.step("Abs", x), 1))
    return t.mul(once, once)


# -- losses ---------------------------------------------------------------------------------


def _with_gradient(call: Call, loss: Value, labels: Callable[[], Value]) -> list[Value]:
    """The loss, and its gradient where somebody reads that: softmax minus labels."""
    if not call.source.outputs[1].consumers():
        return [loss]
    guess = call.step("Softmax", call.value(0), axis=-1)
    return [loss, call.step("Sub", guess, labels())]


def _sparse_cross_entropy(call: Call) -> list[Value]:
    labels = call.value(1)

    def one_hot() -> Value:
        depth = call.step("Gather", call.step("Shape", call.value(0)), call.const([-1]))
        off_on = call.const(np.array([0, 1], call.type(0).dtype))
        return call.step("OneHot", labels, depth, off_on, axis=-1)

    loss = call.emit("SoftmaxCrossEntropyLoss", call.value(0), labels, reduction="none")
    return _with_gradient(call, loss, one_hot)


def _cross_entropy(call: Call) -> list[Value]:
    """Of labels that are distributions."""
    logs = call.step("LogSoftmax", call.value(0), axis=-1)
    terms = call.step("Neg", call.step("Mul", call.value(1), logs))
    loss = call.emit("ReduceSum", terms, call.const([-1]), keepdims=0)
    return _with_gradient(call, loss, lambda: call.value(1))


# -- normalisation --------------------------------------------------------------------------


def _bias_grad(call: Call) -> Value | tuple[()]:
    rank = call.rank(0)
    if rank is None:
        return ()
    channel = rank - 1 if Frame.of(call).last else 1
    axes = call.const([axis for axis in range(rank) if axis != channel])
    return call.emit("ReduceSum", call.value(0), axes, keepdims=0)


class _Channels:
    """Sums and products along the channels of an image."""

    def __init__(self, call: Call) -> None:
        held = call.type(1 if call.op.startswith("FusedBatchNormGrad") else 0)
        frame = Frame.of(call, rank=held.rank or 4)
        self._call, self._rank, self._last = call, frame.rank, frame.last
        self._axes = [axis for axis in range(frame.rank) if axis != frame.channel]
        shape = held.shape or ()
        self.count = int(np.prod([int(shape[axis]) for axis in self._axes]))  # type: ignore[arg-type]

    def total(self, op: str, x: Value) -> Value:
        return self._call.step(op, x, self._call.const(self._axes), keepdims=0)

    def along(self, x: Value) -> Value:
        """A vector of one number a channel, to be combined with an image."""
        if self._last:
            return x
        return self._call.step("Unsqueeze", x, self._call.const(list(range(1, self._rank - 1))))


def batch_norm_training(call: Call) -> list[Operand] | tuple[()]:
    """The batch's own mean and variance, then as in inference.

    Returned are also what the running statistics become (the variance by n - 1, as TF has it), and
    the mean and variance by n that the gradient reads.
    """
    if not call.type(0).is_static or call.attr("epsilon") is None:
        return ()
    t, channels = _Terms(call), _Channels(call)
    mean = channels.total("ReduceMean", call.value(0))
    centred = t.sub(call.value(0), channels.along(mean))
    variance = channels.total("ReduceMean", t.mul(centred, centred))
    made = call.builder.op(
        "BatchNormalization",
        *(call.value(0), call.value(1), call.value(2), mean, variance),
        results=(call.results[0],),
        name=call.name,
        epsilon=float(call.attr("epsilon")),
        data_format=Frame.of(call).word,
    )
    unbiased = t.mul(variance, channels.count / max(channels.count - 1, 1))
    share = float(call.attr("exponential_avg_factor"))
    running = [mean, unbiased]
    if share != 1.0:
        old = (call.value(3), call.value(4))
        running = [
            t.add(t.mul(before, 1 - share), t.mul(now, share))
            for before, now in zip(old, running, strict=True)
        ]
    return [made, *running, mean, variance, Literal(np.zeros(0, np.float32), "unused")]


def _batch_norm_grad(call: Call) -> list[Value] | tuple[()]:
    """The gradients by image, scale and offset (Ioffe and Szegedy, arXiv:1502.03167, section 3)."""
    if not call.type(1).is_static:
        return ()
    t, channels = _Terms(call), _Channels(call)
    gradient, image, scale, mean, variance = (call.value(index) for index in range(5))
    widened = t.add(variance, float(call.attr("epsilon")))
    inverse = call.step("Reciprocal", call.step("Sqrt", widened))
    centred = t.sub(image, channels.along(mean))
    product = t.mul(gradient, centred)
    offset_gradient = channels.total("ReduceSum", gradient)
    product_sum = channels.total("ReduceSum", product)
    inner = gradient
    if call.attr("is_training"):
        share = 1 / max(channels.count, 1)
        pull = t.mul(t.mul(product_sum, share), t.mul(inverse, inverse))
        shift = channels.along(t.mul(offset_gradient, share))
        inner = t.sub(t.sub(gradient, shift), t.mul(centred, channels.along(pull)))
    found = call.emit("Mul", inner, channels.along(t.mul(scale, inverse)))
    return [found, t.mul(product_sum, inverse), offset_gradient]


ROWS: dict[str, Row] = {
    "ReluGrad": _chosen(_relu),
    "Relu6Grad": _chosen(_relu6),
    "LeakyReluGrad": _chosen(_leaky),
    "EluGrad": _chosen(_elu),
    "SeluGrad": _chosen(_selu),
    "SigmoidGrad": _product(_of_sigmoid, 1),
    "TanhGrad": _product(_of_tanh, 1),
    "SqrtGrad": _product(_of_sqrt, 1),
    "RsqrtGrad": _product(_of_rsqrt, 1),
    "ReciprocalGrad": _product(_of_reciprocal, 1),
    "InvGrad": _product(_of_reciprocal, 1),
    "SoftplusGrad": _product(_of_softplus, 0),
    "SoftsignGrad": _product(_of_softsign, 0),
    "SoftmaxCrossEntropyWithLogits": _cross_entropy,
    "SparseSoftmaxCrossEntropyWithLogits": _sparse_cross_entropy,
    "BiasAddGrad": _bias_grad,
    "FusedBatchNormGrad": _batch_norm_grad,
    "FusedBatchNormGradV2": _batch_norm_grad,
    "FusedBatchNormGradV3": _batch_norm_grad,
}
"""Rows of this family by TF op type."""
