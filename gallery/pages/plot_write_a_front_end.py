"""
Write your own front end
========================

A front end is a function ``capture(model, *inputs) -> Graph``. Whatever it reads, all the rest of
graphlens then works on it: passes, proofs, memory plans, pictures. Here is one for scikit-learn's
way of saying things, a list of named steps, in a page.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

import graphlens
from graphlens.ir import Value
from graphlens.ops.build import Builder

# %%
# The framework
# -------------
# Two kinds of step, each with its numbers, as a small library might have them.


@dataclass
class Scaler:
    """Takes the mean off, and divides by the spread; one number a column."""

    mean: np.ndarray
    spread: np.ndarray


@dataclass
class Network:
    """Layers of ``relu(x @ weight + bias)``."""

    weights: list[np.ndarray]
    biases: list[np.ndarray]


# %%
# The front end
# -------------
# One function for each kind of step says how it is spelled in ONNX's vocabulary. The builder infers
# the types, names the nodes, and keeps the scope that each came from.


def scaler(step: Scaler, x: Value, build: Builder) -> Value:
    """A scaler is a Sub and a Div."""
    return build.op("Div", build.op("Sub", x, build.const(step.mean)), build.const(step.spread))


def network(step: Network, x: Value, build: Builder) -> Value:
    """A network is a MatMul, an Add and a Relu a layer."""
    for index, (weight, bias) in enumerate(zip(step.weights, step.biases, strict=True)):
        w = build.param(f"layer{index}.w", graphlens.TensorType("float32", weight.shape), weight)
        b = build.param(f"layer{index}.b", graphlens.TensorType("float32", bias.shape), bias)
        x = build.op("Relu", build.op("Add", build.op("MatMul", x, w), b))
    return x


STEPS: dict[type, Callable[..., Value]] = {Scaler: scaler, Network: network}


def capture(pipeline: dict[str, object], x: np.ndarray) -> graphlens.Graph:
    """The graph of a pipeline of named steps."""
    graph = graphlens.Graph(name="pipeline", capture="steps")
    build = Builder(graph)
    value = build.input("x", graphlens.TensorType(str(x.dtype), ("rows", *x.shape[1:])))
    for name, step in pipeline.items():
        build.scope = name
        graph.scopes[name] = type(step).__name__
        value = STEPS[type(step)](step, value, build)
    build.output([value])
    return graph


# %%
# What one gets for it
# --------------------

draw = np.random.default_rng(0)


def array(*shape: int) -> np.ndarray:
    """Random numbers."""
    return draw.standard_normal(shape, dtype=np.float32)


pipeline = {
    "scale": Scaler(array(8), np.abs(array(8)) + 1),
    "predict": Network([array(8, 16), array(16, 3)], [array(16), array(3)]),
}
x = array(5, 8)
graph = capture(pipeline, x)
graphlens.draw(graph, "pipeline.svg")

# %%
# It runs, and agrees with numpy:

(found,) = graphlens.run(graph, x)
wanted = (x - pipeline["scale"].mean) / pipeline["scale"].spread
for weight, bias in zip(pipeline["predict"].weights, pipeline["predict"].biases, strict=True):
    wanted = np.maximum(wanted @ weight + bias, 0)
print("largest difference from numpy:", np.abs(found - wanted).max())

# %%
# And every pass works on it. The number of rows is a symbol, so its bytes are known once it is.

history = graphlens.optimize(graph)
print(history)
graphlens.draw(history, "pipeline_before_after.svg")
print(graphlens.plan_memory(history.after, symbols={"rows": 1000}))

# %%
# A package makes its front end known by two entry points: one of the group ``graphlens.frontends``
# (its name, for ``via=``), one of ``graphlens.types`` (the type of model that it is for).
