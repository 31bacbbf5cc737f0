"""Taking out what does nothing: every rule, its near misses, and that the function stays."""

from __future__ import annotations

from collections.abc import Callable
from textwrap import dedent, indent
from typing import NamedTuple

import pytest

from graphlens.ir import Graph, check, parse, to_text
from graphlens.passes.eliminate import RULES, eliminate
from graphlens.rewrite import record
from graphlens.runtime.prove import prove

Known = Callable[[str], Graph]


class Case(NamedTuple):
    """What a rule does, or does not do, to a graph."""

    name: str
    inputs: str
    before: str
    after: str = ""

    @property
    def text(self) -> str:
        return f"def net({self.inputs}):\n{indent(dedent(self.before).strip(), '    ')}\n"


CASES = (
    Case(
        "identity",
        "x: float32[2, 3]",
        """
        a: float32[2, 3] = Identity(x)
        return a
        """,
        """
        return x
        """,
    ),
    Case(
        "dropout",
        "x: float32[2, 3]",
        """
        d: (float32[2, 3], bool[2, 3]) = Dropout(x)
        b: float32[2, 3] = Exp(d @ 0)
        return b
        """,
        """
        b: float32[2, 3] = Exp(x)
        return b
        """,
    ),
    Case(
        "cast-to-same",
        "x: float32[2, 3]",
        """
        c: float32[2, 3] = Cast(x, to='float32')
        b: float32[2, 3] = Exp(c)
        return b
        """,
        """
        b: float32[2, 3] = Exp(x)
        return b
        """,
    ),
    Case(
        "cast-of-cast",
        "x: float16[2, 3]",
        """
        c: float32[2, 3] = Cast(x, to='float32')
        d: int32[2, 3] = Cast(c, to='int32')
        return d
        """,
        """
        d: int32[2, 3] = Cast(x, to='int32')
        return d
        """,
    ),
    Case(
        "mul-by-1",
        "x: float32[2, 3]",
        """
        one: float32[1, 3] = Const([1.0, 1.0, 1.0])
        m: float32[2, 3] = Mul(one, x)
        b: float32[2, 3] = Exp(m)
        return b
        """,
        """
        b: float32[2, 3] = Exp(x)
        return b
        """,
    ),
    Case(
        "div-by-1",
        "x: float32[2, 3]",
        """
        one: float32[()] = Const(1.0)
        m: float32[2, 3] = Div(x, one)
        b: float32[2, 3] = Exp(m)
        return b
        """,
        """
        b: float32[2, 3] = Exp(x)
        return b
        """,
    ),
    Case(
        "pow-1",
        "x: float32[2, 3]",
        """
        one: float32[()] = Const(1.0)
        m: float32[2, 3] = Pow(x, one)
        b: float32[2, 3] = Exp(m)
        return b
        """,
        """
        b: float32[2, 3] = Exp(x)
        return b
        """,
    ),
    Case(
        "add-0",
        "x: int64[2, 3]",
        """
        zero: int64[()] = Const(0)
        m: int64[2, 3] = Add(zero, x)
        b: int64[2, 3] = Neg(m)
        return b
        """,
        """
        b: int64[2, 3] = Neg(x)
        return b
        """,
    ),
    Case(
        "sub-0",
        "x: float32[2, 3]",
        """
        zero: float32[()] = Const(0.0)
        m: float32[2, 3] = Sub(x, zero)
        b: float32[2, 3] = Exp(m)
        return b
        """,
        """
        b: float32[2, 3] = Exp(x)
        return b
        """,
    ),
    Case(
        "and-true",
        "x: bool[2, 3]",
        """
        yes: bool[()] = Const(True)
        m: bool[2, 3] = And(yes, x)
        b: bool[2, 3] = Not(m)
        return b
        """,
        """
        b: bool[2, 3] = Not(x)
        return b
        """,
    ),
    Case(
        "or-false",
        "x: bool[2, 3]",
        """
        no: bool[()] = Const(False)
        m: bool[2, 3] = Or(x, no)
        b: bool[2, 3] = Not(m)
        return b
        """,
        """
        b: bool[2, 3] = Not(x)
        return b
        """,
    ),
    Case(
        "not-not",
        "x: bool[2, 3], y: bool[2, 3]",
        """
        a: bool[2, 3] = Not(x)
        b: bool[2, 3] = Not(a)
        c: bool[2, 3] = And(b, y)
        return c
        """,
        """
        c: bool[2, 3] = And(x, y)
        return c
        """,
    ),
    Case(
        "neg-neg",
        "x: float32[2, 3]",
        """
        a: float32[2, 3] = Neg(x)
        b: float32[2, 3] = Neg(a)
        c: float32[2, 3] = Exp(b)
        return c
        """,
        """
        c: float32[2, 3] = Exp(x)
        return c
        """,
    ),
    Case(
        "relu-relu",
        "x: float32[2, 3]",
        """
        a: float32[2, 3] = Relu(x)
        b: float32[2, 3] = Relu(a)
        return a, b
        """,
        """
        a: float32[2, 3] = Relu(x)
        return a, a
        """,
    ),
    Case(
        "where-true",
        "x: float32[2, 3], y: float32[2, 3]",
        """
        yes: bool[()] = Const(True)
        w: float32[2, 3] = Where(yes, x, y)
        b: float32[2, 3] = Exp(w)
        return b
        """,
        """
        b: float32[2, 3] = Exp(x)
        return b
        """,
    ),
    Case(
        "where-false",
        "x: float32[2, 3], y: float32[2, 3]",
        """
        no: bool[()] = Const(False)
        w: float32[2, 3] = Where(no, y, x)
        b: float32[2, 3] = Exp(w)
        return b
        """,
        """
        b: float32[2, 3] = Exp(x)
        return b
        """,
    ),
    Case(
        "where-same",
        "c: bool[2, 3], x: float32[2, 3]",
        """
        w: float32[2, 3] = Where(c, x, x)
        b: float32[2, 3] = Exp(w)
        return b
        """,
        """
        b: float32[2, 3] = Exp(x)
        return b
        """,
    ),
    Case(
        "one-operand",
        "x: float32[2, 3]",
        """
        c: float32[2, 3] = Concat(x, axis=0)
        b: float32[2, 3] = Exp(c)
        return b
        """,
        """
        b: float32[2, 3] = Exp(x)
        return b
        """,
    ),
    Case(
        "clip-unbounded",
        "x: float32[2, 3]",
        """
        c: float32[2, 3] = Clip(x)
        b: float32[2, 3] = Exp(c)
        return b
        """,
        """
        b: float32[2, 3] = Exp(x)
        return b
        """,
    ),
    Case(
        "transpose-nothing",
        "x: float32[2, 3]",
        """
        t: float32[2, 3] = Transpose(x, perm=[0, 1])
        b: float32[2, 3] = Exp(t)
        return b
        """,
        """
        b: float32[2, 3] = Exp(x)
        return b
        """,
    ),
    Case(
        "transpose-of-transpose",
        "x: float32[2, 3, 4]",
        """
        t: float32[4, 2, 3] = Transpose(x, perm=[2, 0, 1])
        u: float32[3, 4, 2] = Transpose(t, perm=[2, 0, 1])
        return t, u
        """,
        """
        t: float32[4, 2, 3] = Transpose(x, perm=[2, 0, 1])
        u: float32[3, 4, 2] = Transpose(x, perm=[1, 2, 0])
        return t, u
        """,
    ),
    Case(
        "reshape-to-same",
        "x: float32[2, 3]",
        """
        s: int64[2] = Const([-1, 3])
        r: float32[2, 3] = Reshape(x, s)
        b: float32[2, 3] = Exp(r)
        return b
        """,
        """
        b: float32[2, 3] = Exp(x)
        return b
        """,
    ),
    Case(
        "reshape-of-reshape",
        "x: float32[2, 6]",
        """
        s: int64[1] = Const([-1])
        r: float32[12] = Reshape(x, s)
        t: int64[2] = Const([3, 4])
        u: float32[3, 4] = Reshape(r, t)
        return u
        """,
        """
        t: int64[2] = Const([3, 4])
        u: float32[3, 4] = Reshape(x, t)
        return u
        """,
    ),
    Case(
        "view-of-same",
        "x: float32[2, 3]",
        """
        s: int64[2] = Const([1, 3])
        e: float32[2, 3] = Expand(x, s)
        b: float32[2, 3] = Exp(e)
        return b
        """,
        """
        b: float32[2, 3] = Exp(x)
        return b
        """,
    ),
    Case(
        "tile-once",
        "x: float32['?', 3]",
        """
        s: int64[2] = Const([1, 1])
        e: float32['?', 3] = Tile(x, s)
        b: float32['?', 3] = Exp(e)
        return b
        """,
        """
        b: float32['?', 3] = Exp(x)
        return b
        """,
    ),
    Case(
        "pad-nothing",
        "x: float32[2, 3]",
        """
        p: int64[4] = Const([0, 0, 0, 0])
        e: float32[2, 3] = Pad(x, p)
        b: float32[2, 3] = Exp(e)
        return b
        """,
        """
        b: float32[2, 3] = Exp(x)
        return b
        """,
    ),
    Case(
        "slice-all",
        "x: float32[2, 3]",
        """
        zero: int64[1] = Const([0])
        end: int64[1] = Const([9])
        s: float32[2, 3] = Slice(x, zero, end)
        b: float32[2, 3] = Exp(s)
        return b
        """,
        """
        b: float32[2, 3] = Exp(x)
        return b
        """,
    ),
    Case(
        "concat-empty",
        "x: float32[2, 3], y: float32[2, 0], z: float32[2, 1]",
        """
        s: float32[2, 4] = Concat(x, y, z, axis=-1)
        t: float32[2, 4] = Concat(s, axis=0)
        b: float32[2, 4] = Exp(t)
        return b
        """,
        """
        s: float32[2, 4] = Concat(x, z, axis=-1)
        b: float32[2, 4] = Exp(s)
        return b
        """,
    ),
    Case(
        "split-in-one",
        "x: float32[2, 3]",
        """
        s: float32[2, 3] = Split(x, num_outputs=1)
        b: float32[2, 3] = Exp(s)
        return b
        """,
        """
        b: float32[2, 3] = Exp(x)
        return b
        """,
    ),
)

NEAR_MISSES = (
    Case(
        "dropout whose mask is read",
        "x: float32[2, 3]",
        """
        d: (float32[2, 3], bool[2, 3]) = Dropout(x)
        return d @ 0, d @ 1
        """,
    ),
    Case(
        "dropout in training",
        "x: float32[2, 3]",
        """
        half: float32[()] = Const(0.5)
        yes: bool[()] = Const(True)
        d: float32[2, 3] = Dropout(x, half, yes)
        return d
        """,
    ),
    Case(
        "cast that loses",
        "x: float32[2, 3]",
        """
        c: int32[2, 3] = Cast(x, to='int32')
        d: float32[2, 3] = Cast(c, to='float32')
        return d
        """,
    ),
    Case(
        "mul by 1 that broadcasts",
        "x: float32[3]",
        """
        one: float32[2, 3] = Const([[1.0, 1.0, 1.0], [1.0, 1.0, 1.0]])
        m: float32[2, 3] = Mul(one, x)
        return m
        """,
    ),
    Case(
        "mul by nearly 1",
        "x: float32[3]",
        """
        one: float32[()] = Const(1.0000001)
        m: float32[3] = Mul(x, one)
        return m
        """,
    ),
    Case(
        "div of 1",
        "x: float32[3]",
        """
        one: float32[()] = Const(1.0)
        m: float32[3] = Div(one, x)
        return m
        """,
    ),
    Case(
        "add of 0 to floats, where -0 becomes 0",
        "x: float32[3]",
        """
        zero: float32[()] = Const(0.0)
        m: float32[3] = Add(x, zero)
        return m
        """,
    ),
    Case(
        "sub from 0",
        "x: float32[3]",
        """
        zero: float32[()] = Const(0.0)
        m: float32[3] = Sub(zero, x)
        return m
        """,
    ),
    Case(
        "transpose of equal sizes",
        "x: float32[3, 3]",
        """
        t: float32[3, 3] = Transpose(x)
        return t
        """,
    ),
    Case(
        "reshape of two unknown sizes",
        "x: float32[a, b]",
        """
        s: int64[2] = Const([2, -1])
        r: float32[2, c] = Reshape(x, s)
        return r
        """,
    ),
    Case(
        "expand that grows",
        "x: float32[1, 3]",
        """
        s: int64[2] = Const([2, 3])
        e: float32[2, 3] = Expand(x, s)
        return e
        """,
    ),
    Case(
        "pad of something",
        "x: float32[2, 3]",
        """
        p: int64[4] = Const([0, 0, 0, 1])
        e: float32[2, 4] = Pad(x, p)
        return e
        """,
    ),
    Case(
        "slice that reverses",
        "x: float32[3]",
        """
        start: int64[1] = Const([-1])
        end: int64[1] = Const([-9])
        axis: int64[1] = Const([0])
        step: int64[1] = Const([-1])
        s: float32[3] = Slice(x, start, end, axis, step)
        return s
        """,
    ),
    Case(
        "inputs that nobody reads",
        "x: float32[3], y: float32[3]",
        """
        b: float32[3] = Exp(x)
        return b
        """,
    ),
)


def lines(graph: Graph) -> list[str]:
    """The text of a graph without its first line."""
    return [line.strip() for line in to_text(graph).strip().splitlines()[1:]]


def test_every_rule_has_a_case() -> None:
    assert {case.name for case in CASES} == {rule.name for rule in RULES}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_rule(case: Case, known: Known) -> None:
    graph = known(case.text)
    (rule,) = [rule for rule in RULES if rule.name == case.name]
    assert record(graph, [rule])[1], "the rule by itself does not match"
    after = check(eliminate(graph))
    assert lines(after) == dedent(case.after).strip().splitlines()
    assert prove(graph, after).status == "proven"
    assert eliminate(after) is after


@pytest.mark.parametrize("case", NEAR_MISSES, ids=lambda case: case.name)
def test_near_miss(case: Case, known: Known) -> None:
    graph = known(case.text)
    assert eliminate(graph) is graph


def test_dead_code_goes_and_inputs_stay() -> None:
    graph = parse("""
def net(x: float32[3], y: float32[3]):
    w: float32[3] = Param()
    a: float32[3] = Add(x, w)
    b: float32[3] = Exp(a)
    c: float32[3] = Exp(x)
    return c
""")
    after = check(eliminate(graph))
    assert lines(after) == ["c: float32[3] = Exp(x)", "return c"]
    assert after.inputs == ("x", "y")


def test_value_that_others_read_stays_for_them() -> None:
    graph = parse("""
def net(x: float32[2, 3]):
    t: float32[3, 2] = Transpose(x)
    u: float32[2, 3] = Transpose(t)
    a: float32[3, 2] = Exp(t)
    b: float32[2, 3] = Exp(u)
    return a, b
""")
    assert lines(eliminate(graph)) == [
        "t: float32[3, 2] = Transpose(x)",
        "a: float32[3, 2] = Exp(t)",
        "b: float32[2, 3] = Exp(x)",
        "return a, b",
    ]


def test_bodies_of_regions_are_cleaned_too() -> None:
    graph = parse("""
def net(c: bool[()], x: float32[3]):
    def then_branch(x: float32[3]):
        a: float32[3] = Identity(x)
        b: float32[3] = Exp(a)
        dead: float32[3] = Neg(a)
        return b
    def else_branch(x: float32[3]):
        b: float32[3] = Neg(x)
        return b
    y: float32[3] = If(c, x, then_branch=then_branch, else_branch=else_branch)
    return y
""")
    after = check(eliminate(graph))
    bodies = after.node("y").regions
    assert lines(bodies["then_branch"]) == ["b: float32[3] = Exp(x)", "return b"]
    assert bodies["else_branch"] is graph.node("y").regions["else_branch"]
    assert eliminate(after) is after


def test_what_is_random_and_read_stays() -> None:
    graph = parse("""
def net():
    a: float32[3] = RandomNormal(shape=[3])
    return a
""")
    assert eliminate(graph) is graph
