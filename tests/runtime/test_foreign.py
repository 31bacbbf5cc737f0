"""Ops of a framework, run through it, with ONNX Runtime for what lies between them."""

import importlib.metadata

import numpy as np
import pytest

from graphlens.errors import RunError
from graphlens.ir import parse
from graphlens.memory.execute import execute
from graphlens.memory.plan import plan_memory
from graphlens.runtime import foreign, whole
from graphlens.runtime.prove import prove
from graphlens.runtime.run import Runner, run
from graphlens.runtime.session import NoKernelError

X = np.random.default_rng(0).uniform(-1, 1, (2, 3)).astype("float32")


@pytest.fixture(autouse=True)
def mine(monkeypatch):
    monkeypatch.setitem(foreign.FOREIGN, "mine", "foreign_ops:run")


BETWEEN = """
def between(x: float32[2, 3]):
    w: float32[3, 3] = Param()
    a: float32[2, 3] = MatMul(x, w)
    b: float32[2, 3] = mine.scaled(a, by=3.0)
    c: float32[2, 3] = Relu(b)
    d: float32[2, 3] = Neg(a)
    e: (float32[2, 3], float32[1, 1]) = mine.both(None, c)
    f: float32[2, 3] = Add(e, d)
    return f, e @ 1, b
"""


def between():
    made = parse(BETWEEN)
    made.weights["w"] = np.eye(3, dtype="float32") * 2
    return made


def expected():
    scaled = X * 6
    rest = np.maximum(scaled, 0)
    return rest - rest.min() - X * 2, rest.sum(keepdims=True), scaled


def test_a_foreign_op_runs_through_its_framework():
    for found, wanted in zip(run(between(), X), expected(), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-5)


def test_what_lies_between_foreign_ops_is_one_model_a_level(monkeypatch):
    opened = []
    session = whole.Session
    monkeypatch.setattr(whole, "Session", lambda *given: opened.append(1) or session(*given))
    runner = Runner(between())
    runner(X)
    runner(X)
    assert len(opened) == 3


CONTROL = """
def control(x: float32[2, 3], n: int64[()], go: bool[()]):
    def body(i: int64[()], c: bool[()], v: float32[2, 3], x: float32[2, 3]):
        s: float32[2, 3] = mine.scaled(v, by=0.5)
        t: float32[2, 3] = Add(s, x)
        return c, t, s
    y: (float32[2, 3], float32[n, 2, 3]) = Loop(n, None, x, x, captures=1, body=body)
    def then_branch(y: float32[2, 3]):
        s: float32[2, 3] = mine.scaled(y, by=10.0)
        return s
    def else_branch(y: float32[2, 3]):
        return y
    z: float32[2, 3] = If(go, y, then_branch=then_branch, else_branch=else_branch)
    return z, y @ 1
"""


@pytest.mark.parametrize("trips", [0, 1, 4])
@pytest.mark.parametrize("go", [True, False])
def test_a_foreign_op_inside_of_loops_and_branches(trips, go):
    value, steps = X, np.zeros((0, 2, 3), "float32")
    for _ in range(trips):
        steps = np.concatenate([steps, value[None] / 2])
        value = value / 2 + X
    found, stacked = run(parse(CONTROL), X, np.array(trips), np.array(go))
    np.testing.assert_allclose(found, value * 10 if go else value, rtol=1e-5)
    np.testing.assert_allclose(stacked, steps, rtol=1e-5)


SCAN = """
def scan(x: float32[2, 3], s: float32[2]):
    def body(state: float32[2], row: float32[2]):
        next: float32[2] = mine.scaled(state, by=2.0)
        both: float32[2] = Add(next, row)
        return both, next
    y: (float32[2], float32[2, 3]) = Scan(s, x, num_scan_inputs=1, scan_input_axes=[1], {more}
        scan_output_axes=[1], body=body)
    return y, y @ 1
"""


@pytest.mark.parametrize("backward", [0, 1])
def test_a_foreign_op_inside_of_a_scan(backward):
    more = f"scan_input_directions=[{backward}], scan_output_directions=[{backward}],"
    state, columns = np.ones(2, "float32"), []
    for column in X.T[:: -1 if backward else 1]:
        columns.append(state * 2)
        state = state * 2 + column
    found, stacked = run(parse(SCAN.format(more=more)), X, np.ones(2, "float32"))
    np.testing.assert_allclose(found, state, rtol=1e-5)
    stack = np.stack(columns[:: -1 if backward else 1], 1)
    np.testing.assert_allclose(stacked, stack, rtol=1e-5)


def test_what_cannot_be_run_is_said_and_unproven():
    unknown = parse(BETWEEN.replace("mine.scaled", "mine.unheard"))
    unknown.weights["w"] = between().weights["w"]
    with pytest.raises(NoKernelError, match=r"'b' \(mine.unheard\): mine has no op unheard"):
        run(unknown, X)
    assert prove(between(), unknown).status == "unproven"
    breaks = parse(BETWEEN.replace("mine.scaled", "mine.fail"))
    breaks.weights["w"] = between().weights["w"]
    with pytest.raises(RunError, match=r"'b' \(mine.fail\): ArithmeticError: as it was told"):
        run(breaks, X)


def test_a_framework_that_is_not_there_is_said(monkeypatch):
    monkeypatch.setitem(foreign.FOREIGN, "mine", "no_such_framework:run")
    with pytest.raises(NoKernelError, match=r"b is a mine.scaled.*no_such_framework"):
        Runner(between())


def test_a_graph_with_foreign_ops_is_proven_by_running_it():
    assert prove(between(), between()).status == "proven"
    other = parse(BETWEEN.replace("by=3.0", "by=3.1"))
    other.weights["w"] = between().weights["w"]
    assert prove(between(), other).status == "refuted"


def test_a_foreign_op_computes_inside_of_the_planned_buffer():
    graph = between()
    for found, wanted in zip(execute(graph, plan_memory(graph), X), expected(), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-5)


def test_ops_of_a_captured_framework_run_whatever_their_domain():
    graph = parse(BETWEEN.replace("mine.scaled", "library.scaled"))
    graph.weights["w"] = between().weights["w"]
    with pytest.raises(NoKernelError, match="does not know: there is nothing here to run it by"):
        run(graph, X)
    node = graph.node("b")
    assert foreign.find(node, "b", "torch.export").__module__.endswith("torch.foreign")


def test_another_package_adds_its_domain_by_an_entry_point(monkeypatch):
    entry = importlib.metadata.EntryPoint("other", "foreign_ops:run", foreign.GROUP)
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda group: [entry])
    foreign._plugged.cache_clear()
    graph = parse(BETWEEN.replace("mine.", "other."))
    graph.weights["w"] = between().weights["w"]
    np.testing.assert_allclose(run(graph, X)[2], X * 6, rtol=1e-6)
    foreign._plugged.cache_clear()
