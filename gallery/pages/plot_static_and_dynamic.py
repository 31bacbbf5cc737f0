"""
Static and dynamic graphs
=========================

TensorFlow 1 had its user define a graph and run it later; PyTorch runs each line as it comes, and
the graph is what happened. Both are a graph in the end, and often the same one. Here is the
regression that this project began with: three measurements of an iris predict the fourth, all
weights are one, and the cost is the mean squared error.
"""

import numpy as np
import tensorflow as tf
import torch

import graphlens

iris = np.loadtxt("iris.csv", delimiter=",", skiprows=1, dtype=np.float32)
X, y = iris[:, :3], iris[:, 3:]

# %%
# The static one
# --------------
# Placeholders and a variable are put into a ``tf.Graph``. Nothing is computed until a session runs
# it, and the graph is there to be looked at before that.

definition = tf.Graph()
with definition.as_default():
    features = tf.compat.v1.placeholder(tf.float32, X.shape, name="X")
    target = tf.compat.v1.placeholder(tf.float32, y.shape, name="y")
    W = tf.compat.v1.get_variable("W", initializer=np.ones((3, 1), np.float32))
    error = tf.matmul(features, W) - target
    cost = tf.reduce_mean(tf.square(error), name="cost")

with tf.compat.v1.Session(graph=definition) as session:
    session.run(W.initializer)
    from_session = session.run(cost, {features: X, target: y})
    static = graphlens.capture(definition, outputs=[cost], session=session)

print("TensorFlow:", from_session)
graphlens.draw(static, "static.svg")

# %%
# The dynamic one
# ---------------
# A module is Python; it is run once on examples, and what it computed is kept.


class Cost(torch.nn.Module):
    """Mean squared error of a linear prediction."""

    def __init__(self) -> None:
        super().__init__()
        self.W = torch.nn.Parameter(torch.ones(3, 1))

    def forward(self, X: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        error = X @ self.W - y
        return torch.mean(error**2)


examples = torch.from_numpy(X), torch.from_numpy(y)
model = Cost()
from_torch = model(*examples).item()
dynamic = graphlens.capture(model, *examples)

print("PyTorch:", from_torch)
graphlens.draw(dynamic, "dynamic.svg")

# %%
# From five sides
# ---------------
# The two have since met in the middle: TensorFlow 2 runs eagerly and traces what ``tf.function``
# decorates; PyTorch traces, compiles, or is watched while it runs.


@tf.function
def tf2_cost(X: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
    """The same in TensorFlow 2, where a tracer makes the graph."""
    return tf.reduce_mean(tf.square(tf.matmul(X, tf.ones((3, 1))) - y))


sides = {
    "TF1 session": static,
    "tf.function": graphlens.capture(tf2_cost, X, y),
    "torch.fx": dynamic,
    "torch.jit": graphlens.capture(model, *examples, via="torch.jit"),
    "torch.eager": graphlens.capture(model, *examples, via="torch.eager"),
}
for side, graph in sides.items():
    print(f"{side:<12}", *(graph.nodes[name]["source"].op for name in graph.in_order()))

# %%
# One graph
# ---------
# The frameworks name and spell things differently (``Square`` here, ``pow`` there), and a weight of
# one is a constant of another. In canonical form the graphs are the same, op by op, edge by edge
# and weight by weight.

one_graph = all(graphlens.equivalent(static, graph) for graph in sides.values())
print("one graph:", one_graph)

# %%
# Either runs without its framework. The cost is 134.29327; between two neighbours in float32, the
# order in which the 150 squares are added decides.

(static_cost,) = graphlens.run(static, X, y)
(dynamic_cost,) = graphlens.run(dynamic, X, y)
print("graphlens:", static_cost, dynamic_cost)

# %%
# What changed, and what did not
# ------------------------------
# The passes make of it what they can. Each step is proven by running the graph as captured and the
# graph as changed on the same inputs.

history = graphlens.optimize(static)
proof = graphlens.prove(history.before, history.after)
print(proof.status, "with a largest error of", proof.max_abs_error)
graphlens.draw(history, "static_before_after.svg")
