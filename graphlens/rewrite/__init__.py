"""The pattern engine: rules as rows of a table, applied until none matches.

A rule and how it is applied::

    FOLD_BIAS = Rule(
        "fold-bias",
        op("Add", op("Conv", var("x"), param("w"), name="conv"), param("b", when=per_channel)),
        lambda m, b: b.op("Conv", m["x"], m["w"], m["b"], name=m["conv"].node,
                          results=[m.type()], **m.node("conv").attributes),
        comment="Add(Conv(x, w), b) -> Conv(x, w, b)",
    )
    graph = apply(graph, (FOLD_BIAS, ...))

A pattern is made by `op`, `var`, `param` (a weight), `const` (a weight of known value), `scalar`
(a known constant of one element), `optional`, `rest` and `either`. Operands are matched exactly:
those that a pattern does not write must be absent; an `op` written without operands takes any.
Attributes are wanted values or predicates, and ONNX's defaults are filled in.

The engine, not the rule, tries both orders of commutative operands; refuses a match of which an
inner value is read from outside or returned by the graph (but for ops marked ``kept=True``);
adds what the rule builds at the root's place, with the root's scope and source and the origins of
all matched nodes; keeps types (a replacement of another dtype or shape is a `PassError`); erases
what nobody reads any more; gives a new node the name that it wants once that is free; and stops
rules that undo each other with a `PassError` that names them.

A replacement returns the value for the root's result 0 (or a tuple, one value a result), or None
before building anything, to decline. `record` gives the log of what was applied where.
"""

from graphlens.rewrite.engine import agree, apply, record
from graphlens.rewrite.match import Match, attribute
from graphlens.rewrite.pattern import (
    OpPattern,
    Pattern,
    const,
    either,
    op,
    optional,
    param,
    rest,
    scalar,
    var,
)
from graphlens.rewrite.rule import Applied, Replacement, Rule

__all__ = [
    "Applied",
    "Match",
    "OpPattern",
    "Pattern",
    "Replacement",
    "Rule",
    "agree",
    "apply",
    "attribute",
    "const",
    "either",
    "op",
    "optional",
    "param",
    "record",
    "rest",
    "scalar",
    "var",
]
