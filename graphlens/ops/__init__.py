"""The vocabulary: schemas, result types, costs and facts of every op; building nodes."""

from graphlens.ops.facts import Facts, facts
from graphlens.ops.schema import OPSET, defaults, in_vocabulary, schema

__all__ = ["OPSET", "Facts", "defaults", "facts", "in_vocabulary", "schema"]
