"""The page as plain data: scopes, wires, parts, states; and its file."""

import hashlib
import itertools
import os
import re
import subprocess

import picture_graphs
import pytest

import graphlens
from graphlens.errors import GraphError, UsageError
from graphlens.ir import Graph
from graphlens.memory.plan import plan_memory
from graphlens.ops.build import Builder
from graphlens.render import page as rendered
from graphlens.render.page_json import page_json
from graphlens.render.page_layout import insides, sizes
from graphlens.tensor import TensorType
from graphlens.view import page
from graphlens.view.page_tree import PART


def whole(held, state=0):
    return held.scopes[held.states[state].root]


def names(held, scope):
    return [
        held.scopes[item.scope].path if item.scope >= 0 else held.entries[item.entries[0]].name
        for item in scope.items
    ]


def every_scope(held, scope):
    yield scope
    for item in scope.items:
        if item.scope >= 0:
            yield from every_scope(held, held.scopes[item.scope])


def test_scopes_are_nested_and_chains_are_stacked():
    held = page.of_graph(picture_graphs.residual_net(blocks=2))
    assert names(held, whole(held)) == ["x", "stem.conv", "stage0", "pool", "output"]
    stage = next(scope for scope in held.scopes if scope.path == "stage0")
    assert names(held, stage) == ["stage0.0", "stage0.1"]
    block = held.scopes[stage.items[0].scope]
    stacked = [[held.entries[i].name for i in item.entries] for item in block.items]
    assert stacked == [
        ["stage0.0.a.conv", "stage0.0.a.relu"],
        ["stage0.0.b.conv", "stage0.0.b.relu"],
        ["stage0.0.add"],
    ]
    assert (block.ops, block.params) == (5, 1152)


def test_a_wire_enters_and_leaves_scopes_by_ports():
    held = page.of_graph(picture_graphs.residual_net(blocks=1))
    block = next(scope for scope in held.scopes if scope.path == "stage0.0")
    assert block.entering == ("stem.relu:0",)
    assert block.leaving == ("stage0.0.add:0",)
    ends = {(wire.tail, wire.head) for wire in block.wires}
    assert ends == {(-1, 0), (-1, 2), (0, 1), (1, 2), (2, -1)}


def test_a_long_scope_is_cut_into_parts_that_hold_everything_once():
    graph = picture_graphs.flat_layers(200)
    held = page.of_graph(graph)
    root = whole(held)
    found = [
        held.entries[index].name
        for scope in every_scope(held, root)
        for item in scope.items
        for index in item.entries
    ]
    assert sorted(found) == sorted(name for name in graph if name not in graph.params)
    assert all(len(scope.items) <= PART for scope in every_scope(held, root))
    assert held.scopes[root.items[0].scope].label == "part 1 of 7"


def test_many_tensors_from_one_part_to_another_are_one_wire_that_knows_them_all():
    held = page.of_graph(picture_graphs.branches(300, 1))
    assert max(len(scope.entering) + len(scope.leaving) for scope in held.scopes) <= 20
    into = {
        value
        for scope in held.scopes
        for wire in scope.wires
        if wire.head >= 0 and scope.items[wire.head].entries
        if held.entries[scope.items[wire.head].entries[0]].name == "joined"
        for value in wire.values or [wire.value]
    }
    assert into == {f"b{branch}.0:0" for branch in range(300)}
    between = [wire for wire in whole(held).wires if wire.values]
    assert between
    assert all(wire.label == f"{len(wire.values)} tensors" for wire in between)


def test_few_tensors_from_one_part_to_another_have_a_wire_each():
    held = page.of_graph(picture_graphs.residual_net(blocks=3, stages=2))
    assert not any(wire.values for scope in held.scopes for wire in scope.wires)


def test_nodes_and_scopes_that_a_pass_leaves_alone_are_there_once():
    net = picture_graphs.residual_net(blocks=2)
    held = page.of_history(graphlens.optimize(net, ["fuse"], prove=False))
    assert [state.name for state in held.states] == ["captured", "fuse"]
    assert [entry.name for entry in held.entries].count("x") == 1
    groups = [entry for entry in held.entries if entry.kind == "group"]
    assert groups[0].detail.members == (("stem.conv", "Conv"), ("stem.relu", "Relu"))
    assert dict(held.states[1].matches)["stem.conv"] == ("stem.conv", "stem.relu")


def test_every_tensor_goes_from_its_maker_to_its_readers():
    graph = picture_graphs.residual_net(blocks=3, stages=2)
    held = page.of_graph(graph)
    for scope in every_scope(held, whole(held)):
        for wire in scope.wires:
            assert -len(scope.entering) <= wire.tail < len(scope.items)
            assert -len(scope.leaving) <= wire.head < len(scope.items)
            if wire.tail < 0:
                assert scope.entering[-1 - wire.tail] == wire.value
            if wire.head < 0:
                assert scope.leaving[-1 - wire.head] == wire.value


def test_a_page_needs_no_program_and_no_process(monkeypatch):
    def refuse(*command, **options):
        raise AssertionError(f"a process was started: {command}")

    monkeypatch.setattr(subprocess, "Popen", refuse)
    monkeypatch.setattr(os, "fork", refuse)
    assert "<canvas" in rendered.to_html(page.of_graph(picture_graphs.residual_net()))


def test_the_longest_chain_of_a_scope_is_straight_and_equal_branches_stand_around_it():
    graph = Graph(name="attention")
    make = Builder(graph)
    wide = {"name": "q"}, {"name": "k"}, {"name": "v"}
    start = make.op("MatMul", *[make.input("x", picture_graphs.typed(8, 8))] * 2, name="start")
    parts = [make.op("MatMul", start, start, **each) for each in wide]
    joined = make.op("Max", *parts, name="joined")
    make.output([make.op("MatMul", joined, start, name="end")])
    held = page.of_graph(graph)
    drawn = page_json(held)["scopes"][-1]
    middle = dict(zip(names(held, whole(held)), (item[5] for item in drawn[10]), strict=True))
    spine = [middle[name] for name in ("x", "start", "joined", "end", "output")]
    assert max(spine) - min(spine) <= 1
    assert middle["q"] + middle["v"] == pytest.approx(2 * middle["k"], abs=2)
    assert middle["k"] == pytest.approx(middle["start"], abs=1)


def test_the_same_graph_makes_the_same_bytes():
    one, two = (
        rendered.to_html(page.of_graph(picture_graphs.residual_net(blocks=2))) for _ in range(2)
    )
    assert one == two


def test_scopes_that_look_the_same_are_laid_out_the_same():
    held = page.of_graph(picture_graphs.residual_net(blocks=3))
    drawn = page_json(held)["scopes"]
    blocks = [scope for scope in drawn if re.fullmatch(r"stage0\.\d", scope[0])]
    assert len({repr(scope[6:10]) for scope in blocks}) == 1


def test_no_two_items_of_a_row_overlap_and_wires_keep_off_the_items():
    held = page.of_graph(picture_graphs.residual_net(blocks=3, stages=2))
    for scope in page_json(held)["scopes"]:
        items, wires = scope[10], scope[11]
        rows = {}
        for _, _, width, _, row, x in items:
            rows.setdefault(row, []).append((x - width / 2, x + width / 2))
        for spans in rows.values():
            spans.sort()
            assert all(one[1] <= two[0] for one, two in itertools.pairwise(spans))
        for tail, _, *_, between in wires:
            first = items[tail][4] if tail >= 0 else -1
            for row, x in enumerate(between, first + 1):
                assert not any(left < x < right for left, right in rows[row])


def test_a_plan_without_its_graph_has_no_page():
    plan = plan_memory(picture_graphs.residual_net())
    object.__setattr__(plan, "graph", None)
    with pytest.raises(GraphError, match="does not know its graph"):
        page.of_plan(plan)


def test_what_is_no_picture_has_no_page(tmp_path):
    with pytest.raises(UsageError, match="no kind of page for a str"):
        graphlens.draw("x", tmp_path / "x.html")


def test_the_libraries_are_those_of_their_packages():
    folder = rendered.ASSETS / "vendor"
    listed = re.findall(r"`([\w.-]+)` \| .* \| `(\w{64})`", (folder / "README.md").read_text())
    assert {name for name, _ in listed} == {path.name for path in folder.glob("*.js")}
    for name, digest in listed:
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
        assert (folder / f"{name.partition('.')[0]}.LICENSE").exists()


def test_the_script_is_all_modules_and_nothing_is_imported_at_run_time():
    text = rendered.script()
    written = {path.stem for path in (rendered.ASSETS / "js").glob("*.js")}
    assert written == set(rendered.MODULES)
    assert not re.search(r"^(import|export)\b", text, re.MULTILINE)
    for word in ("eval(", "innerHTML =", "fetch(", "XMLHttpRequest", "WebSocket", "document.write"):
        for path in (rendered.ASSETS / "js").glob("*.js"):
            assert word not in path.read_text()


@pytest.mark.parametrize(
    "path", sorted((rendered.ASSETS / "js").glob("*.js")), ids=lambda p: p.stem
)
def test_modules_stay_small(path):
    assert path.read_text().count("\n") <= 400


def test_a_shared_weight_is_named_at_its_readers_and_the_scopes_around_them():
    graph = Graph()
    make = Builder(graph)
    x = make.input("x", TensorType("float32", (4, 4)))
    weight = make.param("net.a.bias.weight", TensorType("float32", (4, 4)))
    for scope in ("net.a", "net.b", "net.c"):
        make.scope = scope
        x = make.op("MatMul", x, weight, name=f"{scope}.mm")
        x = make.op("MatMul", make.op("Exp", x), x)
    make.scope = ""
    make.output([make.op("Softmax", make.op("MatMul", x, x))])
    held = page.of_graph(graph)
    tagged = {name: item.tags for scope in held.scopes for name, item in _named(held, scope)}
    wanted = {"net.a", "net.b", "net.c", "net.a.mm", "net.b.mm", "net.c.mm"}
    assert {name for name, tags in tagged.items() if tags == ("bias",)} == wanted
    assert tagged["net"] == ()


def _named(held, scope):
    return zip(names(held, scope), scope.items, strict=True)


@pytest.mark.parametrize("turned", [False, True])
def test_what_an_open_scope_reads_stands_above_it_in_the_order_of_its_ports(turned):
    graph = Graph()
    make = Builder(graph)
    ids, mask = (make.input(name, TensorType("float32", (1, 8))) for name in ("ids", "mask"))
    make.scope = "encoder"
    reads = (mask, ids) if turned else (ids, mask)
    x = make.op("MatMul", make.op("Exp", reads[0]), make.op("Transpose", reads[1], perm=(1, 0)))
    x = make.op("MatMul", x, make.op("Softmax", reads[0]))
    make.scope = ""
    make.output([make.op("MatMul", make.op("Exp", x), x)])
    held = page.of_graph(graph)
    root = whole(held)
    placed = insides(held, [sizes(held, scope) for scope in held.scopes])
    index = next(i for i, scope in enumerate(held.scopes) if scope.path == "encoder")
    assert held.scopes[index].open
    ports = dict(zip(held.scopes[index].entering, placed[index].top, strict=True))
    above = {
        f"{name}:0": x
        for name, (_, x) in zip(
            names(held, root), placed[held.scopes.index(root)].places, strict=True
        )
    }
    assert set(ports) == {"ids:0", "mask:0"}
    assert sorted(ports, key=ports.get) == sorted(ports, key=above.get)
