"""Pictures of large graphs: what is worked out grows with the graph, and few are ever made."""

import random
from dataclasses import replace
from itertools import pairwise

import numpy as np
import picture_graphs
import pytest
import random_graphs

from graphlens import view
from graphlens.analysis.diff import diff
from graphlens.ir import Graph
from graphlens.ops.build import Builder
from graphlens.render.layout import layout
from graphlens.tensor import TensorType
from graphlens.view import Arrow, picture
from graphlens.view import bundle as bundles
from graphlens.view.build import flat
from graphlens.view.bundle import bundle
from graphlens.view.counted import _Counter
from graphlens.view.fold import fold
from graphlens.view.roll import _Roller, roll
from graphlens.view.runs import Run, Wiring, stretches
from graphlens.view.stack import stack


def irregular(nodes: int) -> Graph:
    """Ops without scopes or repetition, each of which reads one or two of those before it."""
    draw, graph = random.Random(nodes), Graph(name="irregular")
    make = Builder(graph)
    held = [make.input("x", TensorType("float32", (4, 8)))]
    for _ in range(nodes):
        op = draw.choice(["Relu", "Add", "Mul", "Sub"])
        others = [] if op == "Relu" else [draw.choice(held[-40:])]
        held.append(make.op(op, draw.choice(held[-8:]), *others))
    make.output([held[-1]])
    return graph


def nested_scopes(depth: int) -> Graph:
    graph = Graph(name="nested")
    make = Builder(graph)
    value = make.input("x", TensorType("float32", (4,)))
    for level in range(1, depth + 1):
        make.scope = ".".join(f"m{index}" for index in range(level))
        graph.scopes[make.scope] = "Block"
        value = make.op("Exp", make.op("Relu", value), name=f"exp{level}")
    make.scope = ""
    make.output([value])
    return graph


def test_coarser_pictures_are_made_when_they_are_looked_at(monkeypatch):
    made = []
    finished = picture.finished

    def counted(diagram):
        made.append(diagram)
        return finished(diagram)

    monkeypatch.setattr(picture, "finished", counted)
    drawn = view.graph(picture_graphs.residual_net(blocks=2, stages=6))
    assert len(made) == 1
    layout(drawn)
    looked_at = len(made)
    while drawn.behind is not None:
        drawn = drawn.behind()
    assert looked_at < len(made)


def test_the_signature_of_a_folded_scope_is_as_long_however_much_is_in_it():
    drawn = flat(nested_scopes(12))
    for cluster in reversed(drawn.clusters):
        drawn = fold(drawn, {cluster.id})
        assert all(len(box.signature) < 100 for box in drawn.boxes)


def test_folded_scopes_are_alike_only_if_all_in_them_is():
    def folded(op):
        graph = Graph(name="two")
        make = Builder(graph)
        value = make.input("x", TensorType("float32", (4,)))
        for index, last in enumerate(("Exp", op)):
            make.scope = f"block{index}"
            graph.scopes[make.scope] = "Block"
            value = make.op(last, make.op("Relu", value))
        make.output([value])
        drawn = flat(graph)
        boxes = fold(drawn, {cluster.id for cluster in drawn.clusters}).boxes
        return {box.signature for box in boxes if box.face.kind == "module"}

    assert len(folded("Exp")) == 1
    assert len(folded("Log")) == 2


@pytest.mark.parametrize("seed", range(40))
def test_stretches_are_found_as_by_looking_at_every_member(seed):
    draw = random.Random(seed)
    pattern = [draw.randrange(3) for _ in range(draw.randint(1, 20))]
    numbers: list[int] = []
    while len(numbers) < draw.randint(4, 120):
        numbers += pattern if draw.random() < 0.8 else [draw.randrange(3)]
    classes = np.array(numbers)
    for period in range(1, len(numbers) // 2 + 1):
        equal = [a == b for a, b in zip(numbers, numbers[period:], strict=False)]
        edges = [i for i, (a, b) in enumerate(pairwise([False, *equal, False])) if a != b]
        found = [(a, b) for a, b in zip(edges[::2], edges[1::2], strict=True) if b - a >= period]
        assert stretches(classes, period) == found


def test_members_are_classified_once_however_many_runs_they_hold(monkeypatch):
    graph = Graph(name="runs")
    make = Builder(graph)
    value = make.input("x", TensorType("float32", (4,)))
    for run in range(20):
        for _ in range(10):
            value = make.op("LeakyRelu", make.op("Tanh", value), alpha=0.1 + run / 100)
    make.output([value])
    classified = []
    classify = _Roller.classify

    def counted(self, member):
        classified.append(member)
        return classify(self, member)

    monkeypatch.setattr(_Roller, "classify", counted)
    drawn = flat(graph)
    assert len(roll(drawn).clusters) == 20
    assert len(classified) < 2 * len(drawn.boxes)


def test_lists_of_many_members_are_bundled_by_the_arrows_inside_them():
    class Counted(tuple[Arrow, ...]):
        walks = 0

        def __iter__(self):
            Counted.walks += 1
            return super().__iter__()

    graph = Graph(name="lists")
    make = Builder(graph)
    value = make.input("x", TensorType("float32", (4,)))
    for index in range(1_000):
        make.scope = f"list{index // 50}"
        value = make.op("Exp", value)
    make.scope = ""
    make.output([value])
    drawn = flat(graph)
    assert len(drawn.clusters) == 20
    bundle(replace(drawn, arrows=Counted(drawn.arrows)))
    assert Counted.walks <= 2


def test_what_a_node_reads_is_looked_up_once(monkeypatch):
    graph, asked = irregular(200), []
    operands = Graph.operands
    monkeypatch.setattr(
        Graph, "operands", lambda held, name: asked.append(name) or operands(held, name)
    )
    assert len(flat(graph).boxes) == 202
    asked.remove(graph.output)  # what the graph returns, asked for once more
    assert len(asked) == len(set(asked)) == len(graph)


def test_what_a_box_says_is_worked_out_once_however_deep_it_is(monkeypatch):
    asked = []
    worth = bundles.worth
    monkeypatch.setattr(bundles, "worth", lambda style: asked.append(style) or worth(style))
    deep = flat(picture_graphs.scattered(2_000, scoped=True))
    bundled = bundle(deep)
    assert any(cluster.parent for cluster in bundled.clusters)
    assert len(asked) <= len(deep.boxes)


def test_a_graph_of_every_shape_is_drawn_from_whatever_level():
    for seed in range(5):
        drawn = view.graph(random_graphs.random_graph(seed, size=80))
        sizes = [len(drawn.boxes)]
        while drawn.behind is not None:
            drawn = drawn.behind()
            sizes.append(len(drawn.boxes))
        assert sizes[-1] <= min(sizes)


def test_blocks_side_by_side_are_told_from_a_chain_without_a_look_at_what_each_reads(monkeypatch):
    graph = Graph(name="branches")
    make = Builder(graph)
    value = make.input("x", TensorType("float32", (1, 8)))
    branches = [make.op("Relu", make.op("Exp", value)) for _ in range(200)]
    make.output([make.op("Concat", *branches, axis=0)])
    looked_at = []
    reads = _Roller._reads

    def counted(self, *given):
        looked_at.append(given)
        return reads(self, *given)

    monkeypatch.setattr(_Roller, "_reads", counted)
    drawn = stack(flat(graph))
    assert roll(drawn).boxes == drawn.boxes
    assert len(looked_at) < len(drawn.boxes)


@pytest.mark.parametrize("seed", range(30))
def test_which_members_read_which_is_known_after_a_run_is_rolled(seed):
    draw = random.Random(seed)
    count = draw.randint(8, 30)
    pairs = sorted(
        (head, tail) for head in range(1, count) for tail in range(head) if draw.random() < 0.1
    )
    start, period, repeats = draw.randrange(3), draw.randint(1, 2), 2
    run = Run(start, period, repeats)
    wiring = Wiring([tail for _, tail in pairs], [head for head, _ in pairs])
    wiring.roll(run)
    stop = start + period * repeats

    def moved(end):
        return end if end < start else start if end < stop else end - period * repeats + 1

    left = {(moved(t), moved(h)) for h, t in pairs if not start + period <= h < stop}
    for other in (Run(a, p, 2) for p in (1, 2) for a in range(count - stop)):
        chained = any(
            (head - other.start) // other.period == 1 and (tail - other.start) // other.period == 0
            for tail, head in left
        )
        assert wiring.is_chain(other) == chained


def test_blocks_are_looked_for_beside_what_is_new_where_the_like_stands_only(monkeypatch):
    looked = []
    blocks = _Counter._from

    def counting(self, *where):
        for block in blocks(self, *where):
            looked.append(len(block.boxes))
            yield block

    monkeypatch.setattr(_Counter, "_from", counting)
    one, other = picture_graphs.scattered(1500), picture_graphs.scattered(1500, near=20)
    view.difference(diff(one, other))
    assert sum(looked) < 4 * (len(one) + len(other))
