"""The vocabulary: schemas, result types, costs and facts of every op; building nodes.

Only the facts are exported here, so that a view can colour boxes without loading onnx; the rest is
in `schema`, `infer`, `build`, `cost` and `proto`.
"""

from graphlens.ops.facts import Facts, facts

__all__ = ["Facts", "facts"]
