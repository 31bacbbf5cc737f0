"""One form for many spellings: every rule, its near misses, and that the function stays."""

from __future__ import annotations

from collections.abc import Callable
from textwrap import dedent, indent
from typing import NamedTuple

import pytest

from graphlens.analysis.equivalent import isomorphic
from graphlens.ir import Graph, check, parse, to_text
from graphlens.passes.canonicalize import FORMS, canonicalize
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
        "conv-bias",
        "x: float32[1, 3, 8, 8]",
        """
        w: float32[4, 3, 3, 3] = Param()
        b: float32[1, 4, 1, 1] = Param()
        c: float32[1, 4, 6, 6] = Conv(x, w)
        a: float32[1, 4, 6, 6] = Add(b, c)
        return a
        """,
        """
        w: float32[4, 3, 3, 3] = Param()
        b: float32[4] = Param()
        c: float32[1, 4, 6, 6] = Conv(x, w, b)
        return c
        """,
    ),
    Case(
        "conv-minus",
        "x: float32[1, 8, 8, 3]",
        """
        w: float32[4, 3, 3, 3] = Param()
        b: float32[4] = Const([1.0, 2.0, 3.0, 4.0])
        c: float32[1, 6, 6, 4] = Conv(x, w, data_format='NHWC')
        a: float32[1, 6, 6, 4] = Sub(c, b)
        return a
        """,
        """
        w: float32[4, 3, 3, 3] = Param()
        neg: float32[4] = Const([-1.0, -2.0, -3.0, -4.0])
        c: float32[1, 6, 6, 4] = Conv(x, w, neg, data_format='NHWC')
        return c
        """,
    ),
    Case(
        "conv-bias-of-zeros",
        "x: float32[1, 3, 8, 8]",
        """
        w: float32[4, 3, 3, 3] = Param()
        b: float32[4] = Const([0.0, 0.0, 0.0, 0.0])
        c: float32[1, 4, 6, 6] = Conv(x, w, b)
        return c
        """,
        """
        w: float32[4, 3, 3, 3] = Param()
        c: float32[1, 4, 6, 6] = Conv(x, w)
        return c
        """,
    ),
    Case(
        "conv-of-pad",
        "x: float32[1, 3, 8, 8]",
        """
        w: float32[4, 3, 3, 3] = Param()
        p: int64[8] = Const([0, 0, 1, 2, 0, 0, 1, 2])
        y: float32[1, 3, 10, 12] = Pad(x, p)
        c: float32[1, 4, 8, 10] = Conv(y, w)
        return c
        """,
        """
        w: float32[4, 3, 3, 3] = Param()
        c: float32[1, 4, 8, 10] = Conv(x, w, pads=[1, 2, 1, 2])
        return c
        """,
    ),
    Case(
        "max-pool-of-pad",
        "x: float32[1, 3, 8, 8]",
        """
        r: float32[1, 3, 8, 8] = Relu(x)
        p: int64[8] = Const([0, 0, 1, 1, 0, 0, 1, 1])
        y: float32[1, 3, 10, 10] = Pad(r, p)
        c: float32[1, 3, 4, 4] = MaxPool(y, kernel_shape=[3, 3], strides=[2, 2])
        return c
        """,
        """
        r: float32[1, 3, 8, 8] = Relu(x)
        c: float32[1, 3, 4, 4] = MaxPool(r, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
        return c
        """,
    ),
    Case(
        "average-pool-of-pad",
        "x: float32[1, 3, 8]",
        """
        p: int64[6] = Const([0, 0, 1, 0, 0, 1])
        y: float32[1, 3, 10] = Pad(x, p)
        c: float32[1, 3, 9] = AveragePool(y, kernel_shape=[2])
        return c
        """,
        """
        c: float32[1, 3, 9] = AveragePool(x, kernel_shape=[2], pads=[1, 1], count_include_pad=1)
        return c
        """,
    ),
    Case(
        "mask-of-all",
        "q: float32[1, 2, 3, 4], k: float32[1, 2, 3, 4], v: float32[1, 2, 3, 4]",
        """
        m: float32[1, 3] = Const([[0.0, 0.0, 0.0]])
        a: float32[1, 2, 3, 4] = Attention(q, k, v, m)
        return a
        """,
        """
        a: float32[1, 2, 3, 4] = Attention(q, k, v)
        return a
        """,
    ),
    Case(
        "mask-causal",
        "q: float32[1, 2, 2, 4], k: float32[1, 2, 2, 4], v: float32[1, 2, 2, 4]",
        """
        m: bool[2, 2] = Const([[True, False], [True, True]])
        a: float32[1, 2, 2, 4] = Attention(q, k, v, m)
        return a
        """,
        """
        a: float32[1, 2, 2, 4] = Attention(q, k, v, is_causal=1)
        return a
        """,
    ),
    Case(
        "mask-bool",
        "q: float32[1, 2, 2, 4], k: float32[1, 2, 2, 4], v: float32[1, 2, 2, 4]",
        """
        m: float32[2, 2] = Const([[0.0, -inf], [-inf, 0.0]])
        a: float32[1, 2, 2, 4] = Attention(q, k, v, m)
        return a
        """,
        """
        m: bool[2, 2] = Const([[True, False], [False, True]])
        a: float32[1, 2, 2, 4] = Attention(q, k, v, m)
        return a
        """,
    ),
    Case(
        "as-reshape",
        "x: float32[2, 3, 1]",
        """
        a: float32[2, 3] = Flatten(x)
        return a
        """,
        """
        shape: int64[2] = Const([2, 3])
        a: float32[2, 3] = Reshape(x, shape)
        return a
        """,
    ),
    Case(
        "reshape-target",
        "x: float32[n, 6]",
        """
        s: int64[3] = Const([0, -1, 2])
        a: float32[n, 3, 2] = Reshape(x, s)
        return a
        """,
        """
        shape: int64[3] = Const([-1, 3, 2])
        a: float32[n, 3, 2] = Reshape(x, shape)
        return a
        """,
    ),
    Case(
        "transpose-of-ones",
        "x: float32[2, 1, 3]",
        """
        t: float32[2, 3, 1] = Transpose(x, perm=[0, 2, 1])
        return t
        """,
        """
        shape: int64[3] = Const([2, 3, 1])
        t: float32[2, 3, 1] = Reshape(x, shape)
        return t
        """,
    ),
    Case(
        "transpose-of-views",
        "x: float32[2, 3, 4, 5]",
        """
        s: int64[3] = Const([6, 4, 5])
        a: float32[6, 4, 5] = Reshape(x, s)
        t: float32[6, 5, 4] = Transpose(a, perm=[0, 2, 1])
        u: int64[4] = Const([2, 3, 5, 4])
        b: float32[2, 3, 5, 4] = Reshape(t, u)
        return b
        """,
        """
        b: float32[2, 3, 5, 4] = Transpose(x, perm=[0, 1, 3, 2])
        return b
        """,
    ),
    Case(
        "linear-of-views",
        "x: float32[2, 3, 4]",
        """
        w: float32[4, 5] = Param()
        b: float32[5] = Param()
        s: int64[2] = Const([6, 4])
        a: float32[6, 4] = Reshape(x, s)
        m: float32[6, 5] = MatMul(a, w)
        c: float32[6, 5] = Add(m, b)
        u: int64[3] = Const([2, 3, 5])
        d: float32[2, 3, 5] = Reshape(c, u)
        return d
        """,
        """
        w: float32[4, 5] = Param()
        b: float32[5] = Param()
        m: float32[2, 3, 5] = MatMul(x, w)
        c: float32[2, 3, 5] = Add(m, b)
        return c
        """,
    ),
    Case(
        "slice-steps",
        "x: float32[4, 6], starts: int64[1], ends: int64[1]",
        """
        axes: int64[1] = Const([1])
        steps: int64[1] = Const([1])
        s: float32[4, n] = Slice(x, starts, ends, axes, steps)
        return s
        """,
        """
        axes: int64[1] = Const([1])
        s: float32[4, n] = Slice(x, starts, ends, axes)
        return s
        """,
    ),
    Case(
        "slice-form",
        "x: float32[4, 6]",
        """
        start: int32[2] = Const([-2, 0])
        end: int32[2] = Const([9, 6])
        axes: int32[2] = Const([1, 0])
        s: float32[4, 2] = Slice(x, start, end, axes)
        return s
        """,
        """
        slice: int64[1] = Const([4])
        slice_1: int64[1] = Const([6])
        slice_2: int64[1] = Const([1])
        s: float32[4, 2] = Slice(x, slice, slice_1, slice_2)
        return s
        """,
    ),
    Case(
        "gather-one",
        "x: float32[4, 6]",
        """
        i: int64[()] = Const(-1)
        g: float32[4] = Gather(x, i, axis=1)
        return g
        """,
        """
        slice: int64[1] = Const([5])
        slice_1: int64[1] = Const([6])
        slice_2: int64[1] = Const([1])
        slice_3: float32[4, 1] = Slice(x, slice, slice_1, slice_2)
        shape: int64[1] = Const([4])
        g: float32[4] = Reshape(slice_3, shape)
        return g
        """,
    ),
    Case(
        "split-sizes",
        "x: float32[5]",
        """
        s: (float32[3], float32[2]) = Split(x, num_outputs=2)
        return s @ 0, s @ 1
        """,
        """
        sizes: int64[2] = Const([3, 2])
        s: (float32[3], float32[2]) = Split(x, sizes)
        return s @ 0, s @ 1
        """,
    ),
    Case(
        "concat-of-concat",
        "x: float32[2], y: float32[3]",
        """
        a: float32[5] = Concat(x, y, axis=0)
        b: float32[8] = Concat(a, y, axis=0)
        return b
        """,
        """
        b: float32[8] = Concat(x, y, y, axis=0)
        return b
        """,
    ),
    Case(
        "pad-form",
        "x: float32[2, 3]",
        """
        p: int64[2] = Const([1, 2])
        z: float32[()] = Const(0.0)
        axes: int64[1] = Const([-1])
        y: float32[2, 6] = Pad(x, p, z, axes)
        return y
        """,
        """
        pads: int64[4] = Const([0, 1, 0, 2])
        y: float32[2, 6] = Pad(x, pads)
        return y
        """,
    ),
    Case(
        "reduce-form",
        "x: float32[2, 3, 4]",
        """
        axes: int64[2] = Const([-1, 1])
        r: float32[2] = ReduceMean(x, axes, keepdims=0)
        return r
        """,
        """
        axes: int64[2] = Const([1, 2])
        r: float32[2, 1, 1] = ReduceMean(x, axes)
        shape: int64[1] = Const([2])
        reshape: float32[2] = Reshape(r, shape)
        return reshape
        """,
    ),
    Case(
        "arg-form",
        "x: float32[2, 3]",
        """
        r: int64[2] = ArgMax(x, axis=-1, keepdims=0)
        return r
        """,
        """
        r: int64[2, 1] = ArgMax(x, axis=1)
        shape: int64[1] = Const([2])
        reshape: int64[2] = Reshape(r, shape)
        return reshape
        """,
    ),
    Case(
        "global-pool",
        "x: float32[1, 8, 8, 3]",
        """
        r: float32[1, 1, 1, 3] = GlobalMaxPool(x, data_format='NHWC')
        return r
        """,
        """
        axes: int64[2] = Const([1, 2])
        r: float32[1, 1, 1, 3] = ReduceMax(x, axes)
        return r
        """,
    ),
    Case(
        "whole-pool",
        "x: float32[1, 3, 7, 7]",
        """
        r: float32[1, 3, 1, 1] = AveragePool(x, kernel_shape=[7, 7])
        return r
        """,
        """
        axes: int64[2] = Const([2, 3])
        r: float32[1, 3, 1, 1] = ReduceMean(x, axes)
        return r
        """,
    ),
    Case(
        "sum-of-2",
        "x: float32[3], y: float32[3]",
        """
        a: float32[3] = Sum(x, y)
        return a
        """,
        """
        a: float32[3] = Add(x, y)
        return a
        """,
    ),
    Case(
        "gemm",
        "x: float32[4, 2]",
        """
        w: float32[3, 4] = Param()
        b: float32[3] = Param()
        a: float32[2, 3] = Gemm(x, w, b, transA=1, transB=1, alpha=0.5)
        return a
        """,
        """
        b: float32[3] = Param()
        transpose: float32[2, 4] = Transpose(x)
        w: float32[4, 3] = Param()
        a_matmul: float32[2, 3] = MatMul(transpose, w)
        scale: float32[()] = Const(0.5)
        mul: float32[2, 3] = Mul(a_matmul, scale)
        a: float32[2, 3] = Add(mul, b)
        return a
        """,
    ),
    Case(
        "add-neg",
        "x: float32[3], y: float32[3]",
        """
        n: float32[3] = Neg(y)
        a: float32[3] = Add(n, x)
        return a
        """,
        """
        a: float32[3] = Sub(x, y)
        return a
        """,
    ),
    Case(
        "sub-neg",
        "x: float32[3], y: float32[3]",
        """
        n: float32[3] = Neg(y)
        a: float32[3] = Sub(x, n)
        return a
        """,
        """
        a: float32[3] = Add(x, y)
        return a
        """,
    ),
    Case(
        "mul-by-minus-1",
        "x: float32[3]",
        """
        c: float32[()] = Const(-1.0)
        a: float32[3] = Mul(x, c)
        return a
        """,
        """
        a: float32[3] = Neg(x)
        return a
        """,
    ),
    Case(
        "div-1-by",
        "x: float32[3]",
        """
        c: float32[()] = Const(1.0)
        a: float32[3] = Div(c, x)
        return a
        """,
        """
        a: float32[3] = Reciprocal(x)
        return a
        """,
    ),
    Case(
        "square",
        "x: float32[3]",
        """
        c: float32[()] = Const(2.0)
        a: float32[3] = Pow(x, c)
        return a
        """,
        """
        a: float32[3] = Mul(x, x)
        return a
        """,
    ),
    Case(
        "root",
        "x: float32[3]",
        """
        p: float32[3] = Abs(x)
        c: float32[()] = Const(0.5)
        a: float32[3] = Pow(p, c)
        return a
        """,
        """
        p: float32[3] = Abs(x)
        a: float32[3] = Sqrt(p)
        return a
        """,
    ),
    Case(
        "inverse",
        "x: float32[3]",
        """
        c: float32[()] = Const(-1.0)
        a: float32[3] = Pow(x, c)
        return a
        """,
        """
        a: float32[3] = Reciprocal(x)
        return a
        """,
    ),
    Case(
        "inverse-root",
        "x: float32[3]",
        """
        p: float32[3] = Exp(x)
        c: float32[()] = Const(-0.5)
        a: float32[3] = Pow(p, c)
        return a
        """,
        """
        p: float32[3] = Exp(x)
        sqrt: float32[3] = Sqrt(p)
        a: float32[3] = Reciprocal(sqrt)
        return a
        """,
    ),
    Case(
        "relu",
        "x: float32[3]",
        """
        c: float32[()] = Const(0.0)
        a: float32[3] = Max(c, x)
        return a
        """,
        """
        a: float32[3] = Relu(x)
        return a
        """,
    ),
    Case(
        "clip-infinite",
        "x: float32[3]",
        """
        lo: float32[()] = Const(1.0)
        hi: float32[()] = Const(inf)
        a: float32[3] = Clip(x, lo, hi)
        return a
        """,
        """
        lo: float32[()] = Const(1.0)
        a: float32[3] = Clip(x, lo)
        return a
        """,
    ),
    Case(
        "clip-at-0",
        "x: float32[3]",
        """
        lo: float32[()] = Const(0.0)
        a: float32[3] = Clip(x, lo)
        return a
        """,
        """
        a: float32[3] = Relu(x)
        return a
        """,
    ),
    Case(
        "clip-of-relu",
        "x: float32[3]",
        """
        hi: float32[()] = Const(6.0)
        r: float32[3] = Relu(x)
        a: float32[3] = Min(r, hi)
        return a
        """,
        """
        min: float32[()] = Const(0.0)
        max: float32[()] = Const(6.0)
        a: float32[3] = Clip(x, min, max)
        return a
        """,
    ),
    Case(
        "clip",
        "x: float32[3]",
        """
        lo: float32[()] = Const(-0.5)
        hi: float32[()] = Const(0.5)
        r: float32[3] = Max(x, lo)
        a: float32[3] = Min(hi, r)
        return a
        """,
        """
        min: float32[()] = Const(-0.5)
        max: float32[()] = Const(0.5)
        a: float32[3] = Clip(x, min, max)
        return a
        """,
    ),
    Case(
        "cast-like",
        "x: float32[3], y: int64[2]",
        """
        a: int64[3] = CastLike(x, y)
        return a
        """,
        """
        a: int64[3] = Cast(x, to='int64')
        return a
        """,
    ),
    Case(
        "unexpand",
        "x: float32[1, 3], y: float32[2, 3]",
        """
        s: int64[2] = Const([2, 3])
        e: float32[2, 3] = Expand(x, s)
        a: float32[2, 3] = Sub(y, e)
        return a
        """,
        """
        a: float32[2, 3] = Sub(y, x)
        return a
        """,
    ),
    Case(
        "uniform",
        "x: float32[3]",
        """
        c: float32[3] = Const([0.5, 0.5, 0.5])
        a: float32[3] = Add(x, c)
        return a
        """,
        """
        scalar: float32[()] = Const(0.5)
        a: float32[3] = Add(x, scalar)
        return a
        """,
    ),
    Case(
        "gather-run",
        "x: float32[6, 2]",
        """
        c: int64[2, 2] = Const([[1, 2], [3, -2]])
        a: float32[2, 2, 2] = Gather(x, c)
        return a
        """,
        """
        slice: int64[1] = Const([1])
        slice_1: int64[1] = Const([5])
        slice_2: int64[1] = Const([0])
        slice_3: float32[4, 2] = Slice(x, slice, slice_1, slice_2)
        shape: int64[3] = Const([2, 2, 2])
        a: float32[2, 2, 2] = Reshape(slice_3, shape)
        return a
        """,
    ),
    Case(
        "transpose-of-pad",
        "x: float32[1, 4, 4, 3]",
        """
        p: int64[8] = Const([0, 1, 2, 0, 0, 3, 0, 0])
        one: float32[()] = Const(1.0)
        y: float32[1, 8, 6, 3] = Pad(x, p, one)
        t: float32[1, 3, 8, 6] = Transpose(y, perm=[0, 3, 1, 2])
        return t
        """,
        """
        one: float32[()] = Const(1.0)
        t: float32[1, 3, 4, 4] = Transpose(x, perm=[0, 3, 1, 2])
        pads: int64[8] = Const([0, 0, 1, 2, 0, 0, 3, 0])
        y: float32[1, 3, 8, 6] = Pad(t, pads, one)
        return y
        """,
    ),
    Case(
        "mask-rank",
        "q: float32[1, 2, 2, 4], k: float32[1, 2, 2, 4], v: float32[1, 2, 2, 4]",
        """
        m: float32[1, 1, 2, 2] = Const([[[[0.0, -1.0], [0.0, 0.0]]]])
        a: float32[1, 2, 2, 4] = Attention(q, k, v, m)
        return a
        """,
        """
        reshape: float32[2, 2] = Const([[0.0, -1.0], [0.0, 0.0]])
        a: float32[1, 2, 2, 4] = Attention(q, k, v, reshape)
        return a
        """,
    ),
    Case(
        "mask-expand",
        "q: float32[1, 2, 2, 4], k: float32[1, 2, 2, 4], v: float32[1, 2, 2, 4], m: float32[1, 2]",
        """
        s: int64[4] = Const([1, 1, 2, 2])
        e: float32[1, 1, 2, 2] = Expand(m, s)
        a: float32[1, 2, 2, 4] = Attention(q, k, v, e)
        return a
        """,
        """
        a: float32[1, 2, 2, 4] = Attention(q, k, v, m)
        return a
        """,
    ),
    Case(
        "matmul-of-views",
        "x: float32[6, 4, 5], y: float32[6, 5, 3]",
        """
        p: float32[6, 4, 3] = MatMul(x, y)
        s: int64[4] = Const([2, 3, 4, 3])
        r: float32[2, 3, 4, 3] = Reshape(p, s)
        return r
        """,
        """
        shape: int64[4] = Const([2, 3, 4, 5])
        reshape: float32[2, 3, 4, 5] = Reshape(x, shape)
        shape_1: int64[4] = Const([2, 3, 5, 3])
        reshape_1: float32[2, 3, 5, 3] = Reshape(y, shape_1)
        p: float32[2, 3, 4, 3] = MatMul(reshape, reshape_1)
        return p
        """,
    ),
    Case(
        "expand-after",
        "x: float32[1, 3]",
        """
        c: float32[3] = Param()
        s: int64[2] = Const([2, 3])
        e: float32[2, 3] = Expand(x, s)
        a: float32[2, 3] = Sub(e, c)
        return a
        """,
        """
        c: float32[3] = Param()
        sub: float32[1, 3] = Sub(x, c)
        const: int64[2] = Const([2, 3])
        a: float32[2, 3] = Expand(sub, const)
        return a
        """,
    ),
    Case(
        "leading-ones",
        "x: float32[2, 3]",
        """
        c: float32[1, 3] = Param()
        a: float32[2, 3] = Add(x, c)
        return a
        """,
        """
        c: float32[3] = Param()
        a: float32[2, 3] = Add(x, c)
        return a
        """,
    ),
    Case(
        "order",
        "x: float32[3]",
        """
        c: float32[3] = Param()
        a: float32[3] = Add(c, x)
        return a
        """,
        """
        c: float32[3] = Param()
        a: float32[3] = Add(x, c)
        return a
        """,
    ),
)

NEAR_MISSES = (
    Case(
        "a bias of zeros but for one channel",
        "x: float32[1, 3, 8, 8]",
        """
        w: float32[4, 3, 3, 3] = Param()
        b: float32[4] = Const([0.0, 0.0, 0.5, 0.0])
        c: float32[1, 4, 6, 6] = Conv(x, w, b)
        return c
        """,
    ),
    Case(
        "bias along another axis",
        "x: float32[1, 3, 8, 8]",
        """
        w: float32[6, 3, 3, 3] = Param()
        b: float32[6] = Param()
        c: float32[1, 6, 6, 6] = Conv(x, w)
        a: float32[1, 6, 6, 6] = Add(c, b)
        return a
        """,
    ),
    Case(
        "bias after a convolution that others read",
        "x: float32[1, 3, 8, 8]",
        """
        w: float32[4, 3, 3, 3] = Param()
        b: float32[4, 1, 1] = Param()
        c: float32[1, 4, 6, 6] = Conv(x, w)
        a: float32[1, 4, 6, 6] = Add(c, b)
        return a, c
        """,
    ),
    Case(
        "padding with something else than 0",
        "x: float32[1, 3, 8, 8]",
        """
        w: float32[4, 3, 3, 3] = Param()
        one: float32[()] = Const(1.0)
        p: int64[8] = Const([0, 0, 1, 1, 0, 0, 1, 1])
        y: float32[1, 3, 10, 10] = Pad(x, p, one)
        c: float32[1, 4, 8, 8] = Conv(y, w)
        return c
        """,
    ),
    Case(
        "zeros around a maximum of what may be negative",
        "x: float32[1, 3, 8, 8]",
        """
        p: int64[8] = Const([0, 0, 1, 1, 0, 0, 1, 1])
        y: float32[1, 3, 10, 10] = Pad(x, p)
        c: float32[1, 3, 5, 5] = MaxPool(y, kernel_shape=[2, 2], strides=[2, 2])
        return c
        """,
    ),
    Case(
        "mask that hides a query's every key",
        "q: float32[1, 2, 2, 4], k: float32[1, 2, 2, 4], v: float32[1, 2, 2, 4]",
        """
        m: float32[2, 2] = Const([[-1e+10, -1e+10], [0.0, -1e+10]])
        a: float32[1, 2, 2, 4] = Attention(q, k, v, m)
        return a
        """,
    ),
    Case(
        "mask that weighs",
        "q: float32[1, 2, 2, 4], k: float32[1, 2, 2, 4], v: float32[1, 2, 2, 4]",
        """
        m: float32[2, 2] = Const([[0.0, -1.0], [0.0, 0.0]])
        a: float32[1, 2, 2, 4] = Attention(q, k, v, m)
        return a
        """,
    ),
    Case(
        "average pool of a part",
        "x: float32[1, 3, 7, 7]",
        """
        r: float32[1, 3, 2, 2] = AveragePool(x, kernel_shape=[6, 6])
        return r
        """,
    ),
    Case(
        "clip with bounds the wrong way round",
        "x: float32[3]",
        """
        lo: float32[()] = Const(0.5)
        hi: float32[()] = Const(-0.5)
        r: float32[3] = Max(x, lo)
        a: float32[3] = Min(r, hi)
        return a
        """,
    ),
    Case(
        "integer power",
        "x: int64[3]",
        """
        c: int64[()] = Const(3)
        a: int64[3] = Pow(x, c)
        return a
        """,
    ),
    Case(
        "transpose of sizes over 1",
        "x: float32[2, 3, 1]",
        """
        t: float32[3, 2, 1] = Transpose(x, perm=[1, 0, 2])
        return t
        """,
    ),
    Case(
        "mask that is expanded along the keys",
        "q: float32[1, 2, 2, 4], k: float32[1, 2, 3, 4], v: float32[1, 2, 3, 4], m: float32[2, 1]",
        """
        s: int64[2] = Const([2, 3])
        e: float32[2, 3] = Expand(m, s)
        a: float32[1, 2, 2, 4] = Attention(q, k, v, e)
        return a
        """,
    ),
    Case(
        "product of matrices whose rows are then cut anew",
        "x: float32[6, 4, 5], y: float32[6, 5, 3]",
        """
        p: float32[6, 4, 3] = MatMul(x, y)
        s: int64[4] = Const([6, 2, 2, 3])
        r: float32[6, 2, 2, 3] = Reshape(p, s)
        return r
        """,
    ),
    Case(
        "product of two matrices, numbered after",
        "x: float32[4, 5]",
        """
        w: float32[5, 3] = Param()
        p: float32[4, 3] = MatMul(x, w)
        s: int64[3] = Const([1, 4, 3])
        r: float32[1, 4, 3] = Reshape(p, s)
        return r
        """,
    ),
    Case(
        "product of many matrices by one",
        "x: float32[6, 4, 5], y: float32[5, 3]",
        """
        p: float32[6, 4, 3] = MatMul(x, y)
        s: int64[4] = Const([2, 3, 4, 3])
        r: float32[2, 3, 4, 3] = Reshape(p, s)
        return r
        """,
    ),
    Case(
        "gather of a run with a step back",
        "x: float32[6, 2]",
        """
        c: int64[4] = Const([1, 2, 3, 3])
        a: float32[4, 2] = Gather(x, c)
        return a
        """,
    ),
    Case(
        "padding that others read too",
        "x: float32[1, 4, 4, 3]",
        """
        p: int64[8] = Const([0, 1, 2, 0, 0, 3, 0, 0])
        y: float32[1, 8, 6, 3] = Pad(x, p)
        t: float32[1, 3, 8, 6] = Transpose(y, perm=[0, 3, 1, 2])
        return t, y
        """,
    ),
    Case(
        "resize to one element, whose place is the image's own corner",
        "x: float32[1, 1, 4, 4]",
        """
        s: int64[4] = Const([1, 1, 1, 2])
        a: float32[1, 1, 1, 2] = Resize(x, None, None, s, coordinate_transformation_mode='pytorch_half_pixel', mode='linear')
        return a
        """,  # noqa: E501
    ),
    Case(
        "expand that alone gives the shape",
        "x: float32[1, 3], y: float32[1, 3]",
        """
        s: int64[2] = Const([2, 3])
        e: float32[2, 3] = Expand(x, s)
        a: float32[3, 3] = Concat(y, e, axis=0)
        return a
        """,
    ),
)


def lines(graph: Graph) -> list[str]:
    """The text of a graph without its first line."""
    return [line.strip() for line in to_text(graph).strip().splitlines()[1:]]


def test_every_rule_has_a_case() -> None:
    assert {case.name for case in CASES} == {rule.name for rule in FORMS}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_rule(case: Case, known: Known) -> None:
    graph = known(case.text)
    (rule,) = [rule for rule in FORMS if rule.name == case.name]
    assert record(graph, [rule])[1], "the rule by itself does not match"
    after = check(canonicalize(graph))
    assert lines(after) == dedent(case.after).strip().splitlines()
    assert prove(graph, after).status == "proven"
    assert canonicalize(after) is after


@pytest.mark.parametrize("case", NEAR_MISSES, ids=lambda case: case.name)
def test_near_miss(case: Case, known: Known) -> None:
    graph = known(case.text)
    assert canonicalize(graph) is graph


def test_several_frameworks_spellings_of_a_layer_become_one(known: Known) -> None:
    torch = known("""
def net(x: float32[2, 4]):
    w: float32[5, 4] = Param()
    b: float32[5] = Param()
    y: float32[2, 5] = Gemm(x, w, b, transB=1)
    z: float32[2, 5] = Relu(y)
    return z
""")
    keras = parse("""
def net(x: float32[2, 4]):
    w: float32[4, 5] = Param()
    b: float32[1, 5] = Param()
    zero: float32[1] = Const([0.0])
    m: float32[2, 5] = MatMul(x, w)
    y: float32[2, 5] = Add(b, m)
    z: float32[2, 5] = Max(y, zero)
    return z
""")
    keras.weights |= {"w": torch.weights["w"].T, "b": torch.weights["b"][None]}
    assert isomorphic(torch, keras) is not None
    assert isomorphic(canonicalize(torch), canonicalize(keras)) is None


def test_inner_value_read_outside_keeps_its_node(known: Known) -> None:
    graph = known("""
def net(x: float32[3]):
    six: float32[()] = Const(6.0)
    r: float32[3] = Relu(x)
    a: float32[3] = Min(r, six)
    return a, r
""")
    assert canonicalize(graph) is graph


def test_bodies_of_regions_settle_too() -> None:
    graph = parse("""
def net(c: bool[()], x: float32[2, 3]):
    def then_branch(x: float32[2, 3]):
        a: float32[6] = Flatten(x, axis=0)
        s: int64[2] = Const([2, 3])
        b: float32[2, 3] = Reshape(a, s)
        r: float32[2, 3] = Sum(b, x)
        return r
    def else_branch(x: float32[2, 3]):
        b: float32[2, 3] = Neg(x)
        return b
    y: float32[2, 3] = If(c, x, then_branch=then_branch, else_branch=else_branch)
    return y
""")
    after = check(canonicalize(graph))
    body = after.node("y").regions["then_branch"]
    assert lines(body) == ["r: float32[2, 3] = Add(x, x)", "return r"]


def test_unknown_ops_are_left_alone() -> None:
    graph = parse("""
def net(x: float32[2, 3]):
    a: float32[2, 3] = aten.foo(x, axes=[1, 1], keepdims=0)
    b: float32[2, 3] = aten.foo(a, axes=[1, 1], keepdims=0)
    return b
""")
    assert canonicalize(graph) is graph


def test_the_graph_given_is_left_as_it_was(known: Known) -> None:
    graph = known(CASES[0].text)
    text = to_text(graph, detail=True)
    canonicalize(graph)
    assert to_text(graph, detail=True) == text
