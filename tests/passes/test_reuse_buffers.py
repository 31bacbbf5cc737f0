"""The pass that orders nodes for the smallest peak and records where every tensor lies."""

import json

import numpy as np
import pytest
from random_graphs import chain, random_graph

from graphlens.analysis.diff import diff
from graphlens.analysis.equivalent import isomorphic
from graphlens.ir import check, parse, to_text
from graphlens.ir.json_form import dump, load
from graphlens.memory.plan import plan_memory
from graphlens.passes.reuse_buffers import reuse_buffers

BRANCHES = """
def f(x: float32[1, 4]):
    w: float32[4, 64] = Param()
    v: float32[64, 4] = Param()
    u: float32[64, 4] = Param()
    a: float32[1, 64] = MatMul(x, w)
    b: float32[1, 64] = Exp(a)
    c: float32[1, 4] = MatMul(a, v)
    d: float32[1, 4] = MatMul(b, u)
    p: float32[1, 64] = MatMul(x, w)
    q: float32[1, 4] = MatMul(p, v)
    e: float32[1, 4] = Sum(c, d, q)
    return e
"""


def test_branches_are_run_one_after_the_other_and_weights_stand_before_their_first_reader():
    graph = parse(BRANCHES.replace("    p: float32[1, 64] = MatMul(x, w)\n", "").replace(
        "    b: float32", "    p: float32[1, 64] = MatMul(x, w)\n    b: float32"))  # fmt: skip
    planned = check(reuse_buffers(graph))
    assert planned is not graph
    running = [name for name in planned if not planned.node(name).is_structural]
    assert running.index("q") < running.index("a") or running.index("p") > running.index("d")
    for name in planned.params:
        first = next(n for n in planned if n in graph.succ[name])
        assert list(planned).index(name) == list(planned).index(first) - 1 or name == "w"
    assert planned.in_order() == list(planned)
    assert next(iter(planned)) == "x"
    assert next(reversed(list(planned))) == "output"


def test_a_graph_whose_order_is_as_good_as_any_keeps_it():
    graph = parse(BRANCHES)
    straight = chain(5)
    assert list(reuse_buffers(straight)) == list(straight)
    assert list(reuse_buffers(reuse_buffers(graph))) == list(reuse_buffers(graph))


@pytest.mark.parametrize("seed", range(15))
def test_nothing_but_the_order_and_the_record_changes(seed):
    graph = random_graph(seed, 15)
    before = to_text(graph, detail=True), dict(graph.graph)
    planned = check(reuse_buffers(graph))
    assert (to_text(graph, detail=True), dict(graph.graph)) == before
    assert isomorphic(graph, planned) is None
    assert not diff(graph, planned)
    assert plan_memory(planned).peak_live_bytes <= plan_memory(graph).eager_bytes


@pytest.mark.parametrize("seed", range(15))
def test_a_second_time_changes_nothing(seed):
    planned = reuse_buffers(random_graph(seed, 15))
    assert reuse_buffers(planned) is planned


def test_the_record_is_the_plans_and_plain_data():
    graph = parse("""
def f(x: float32[4]):
    a: float32[4] = Relu(x)
    s: (float32[2], float32[2]) = Split(a, num_outputs=2)
    b: float32[2] = Neg(s @ 1)
    return b, s @ 0
""")
    record = reuse_buffers(graph).graph["arena"]
    plan = plan_memory(graph)
    assert record["bytes"] == plan.arena_bytes
    assert record["inplace"] == {"b": "s@1"}
    assert record["offsets"]["s@1"] == record["offsets"]["b"]
    assert json.loads(json.dumps(record)) == record


def test_a_saved_plan_is_still_the_plan(tmp_path):
    planned = reuse_buffers(random_graph(3, 15))
    dump(planned, tmp_path / "g.json")
    again = load(tmp_path / "g.json")
    assert again.graph["arena"] == planned.graph["arena"]
    assert reuse_buffers(again) is again


def test_another_alignment_is_another_record():
    planned = reuse_buffers(random_graph(3, 15))
    aligned = reuse_buffers(planned, alignment=64)
    assert aligned is not planned
    assert {offset % 64 for offset in aligned.graph["arena"]["offsets"].values()} == {0}
    assert reuse_buffers(aligned, alignment=64) is aligned


def test_a_graph_of_unknown_sizes_stays_as_it_is():
    graph = parse("def f(x: float32[N]):\n    y: float32[N] = Relu(x)\n    return y\n")
    assert reuse_buffers(graph) is graph


def test_weights_and_their_values_stay():
    graph = parse(BRANCHES)
    graph.weights["w"] = np.ones((4, 64), np.float32)
    assert reuse_buffers(graph).weights["w"] is graph.weights["w"]
