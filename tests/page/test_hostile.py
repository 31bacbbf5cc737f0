"""Names from strangers, and graphs of unusual sizes: nothing executes, nothing is lost."""

import picture_graphs
import pytest

import graphlens
from graphlens.ir import Graph
from graphlens.ops.build import Builder

EVIL = {
    "script": "</script><script>alert(1)</script>",
    "image": "<img src=x onerror=alert(1)>",
    "cdata": "]]>",
    "comment": "<!--<script>",
    "entities": "a & b &amp; &lt;",
    "quotes": "\"'`${alert(1)}",
    "template": "{{constructor.constructor('alert(1)')()}}",
    "lines": "one\ntwo\r\tthree\u2028four\u2029five",
    "right to left": "\u202eevil\u202c שלום",
    "emoji": "🦊👩‍👩‍👧 ×",
    "zero": "a\u0000b\u007f",
    "proto": "__proto__",
    "slash": "/scope/of:0",
    "long": "n" * 10_000,
}


def named(name):
    """A graph in which everything that can have a name has that one."""
    graph = Graph(name=name)
    make = Builder(graph)
    value = make.input(f"x{name}", picture_graphs.typed(1, 4))
    make.scope = scope = name.replace(".", "_")
    graph.scopes[scope] = name
    weight = make.param(f"w{name}", picture_graphs.typed(4, 4))
    product = make.op("MatMul", value, weight, name=name)
    value = make.op("Add", product, product, name=f"sum{name}")
    value = make.op("MatMul", value, weight, name=f"last{name}")
    make.scope = ""
    make.output([value], [name])
    return graph


@pytest.mark.parametrize("kind", EVIL)
def test_nothing_executes_and_nothing_is_lost(view, kind):
    name = EVIL[kind]
    viewer = view(named(name))
    viewer.press("o")
    assert viewer.ask("[...app.page.states[0].nodes.keys()].includes(a[0])", name)
    viewer.ask("(app.goTo(a[0]), 1)", name)
    viewer.settle()
    assert viewer.ask("document.querySelector('#details h2').textContent") == name
    viewer.hover(name)
    viewer.press("m")
    assert name in viewer.ask("document.querySelector('#tensor').textContent")
    assert name[:40].split("\n")[0].strip() in viewer.ask(
        "document.querySelector('h1').textContent"
    )
    assert viewer.ask("document.title").strip()
    scope = viewer.ask("app.active.state.nodes.get(a[0]).entry.scope", name)
    viewer.page.locator("#color-by").select_option("scope")
    viewer.settle()
    assert scope.partition(".")[0] in viewer.ask("document.querySelector('#legend').textContent")
    viewer.press("/")
    viewer.page.locator("#search").fill(name[:40])
    assert viewer.page.locator("#hits").is_visible()
    viewer.ask("app.link()")
    assert viewer.ask("new URLSearchParams(location.hash.slice(1)).get('at')") == name
    viewer.open(viewer.ask("location.hash"))
    assert viewer.selected == name
    assert viewer.ask("document.scripts.length") == 4
    assert viewer.ask("document.images.length") == 0


def test_a_name_that_turns_its_letters_round_turns_nothing_else_round(view):
    viewer = view(named("\u202eevil"))
    viewer.ask("(app.goTo('\u202eevil'), 1)")
    kept = "getComputedStyle(document.querySelector(a[0])).unicodeBidi"
    for place in ("#details h2", "#details td", "#tree b", "#tree span", "#title"):
        assert viewer.ask(kept, place) == "isolate", place


def test_the_policy_of_the_page_lets_nothing_in(view, net):
    viewer = view(net)
    blocked = viewer.ask("fetch('https://example.org/').then(() => 'sent', () => 'blocked')")
    assert blocked == "blocked"
    ran = viewer.ask(
        "(() => { const script = document.createElement('script');"
        "script.textContent = 'window.ran = 1'; document.body.append(script);"
        "return window.ran === undefined })()"
    )
    assert ran
    assert any("Content Security Policy" in said for said in viewer.complaints)
    viewer.complaints.clear()
    viewer.requests[:] = [url for url in viewer.requests if "example.org" not in url]


def test_no_nodes(view):
    viewer = view(Graph(name="nothing"))
    viewer.press("f", "o", "ArrowDown", "/", "Escape", "m")
    assert viewer.ask("app.active.count.boxes") == 0
    assert viewer.selected is None


def test_one_node(view):
    graph = Graph(name="one")
    Builder(graph).input("x", picture_graphs.typed(1))
    viewer = view(graph)
    viewer.click("x")
    assert viewer.selected == "x"
    viewer.press("ArrowDown", "ArrowUp", "ArrowLeft", "Enter", "Backspace", "f")
    assert viewer.selected == "x"


def test_a_value_that_many_read_is_named_where_it_is_read(view):
    viewer = view(picture_graphs.fan(40))
    assert (
        viewer.ask("app.page.scopes.at(-1).items.filter((item) => item.tags.length).length") == 40
    )
    viewer.ask("(app.goTo('add7'), 1)")
    assert "shared.mask" in viewer.details


def test_thousands_of_nodes_open_folded_and_only_what_is_seen_is_drawn(view):
    graph = picture_graphs.flat_layers(1_000)
    viewer = view(graph)
    assert viewer.ask("app.page.states[0].nodes.size") == 3_002
    assert viewer.ask("app.active.count.boxes") < 300
    viewer.press("o")
    assert viewer.ask("app.open.size") > 30
    assert viewer.ask("app.active.count.boxes") < 400
    viewer.press("f")
    assert viewer.ask("app.active.count.words") == 0
    # So much is in sight that a drag moves what was painted, until it stands still.
    painted = viewer.ask("app.active.painted.camera.y")
    assert viewer.ask(DRAGGED) == painted
    viewer.wait("app.active.painted.camera.y !== " + str(painted))
    viewer.ask("(app.goTo('nn900'), 1)")
    viewer.settle()
    assert viewer.ask("app.active.count.words") > 0
    assert 0 < viewer.place("nn900")[1] < 800
    assert viewer.page.locator("#tree [role=treeitem]").count() < 80


def test_a_graph_whose_sizes_are_not_known_has_a_page(view):
    graph = Graph(name="symbols")
    make = Builder(graph)
    value = make.input("x", graphlens.tensor.TensorType("float32", None))
    make.output([make.op("Relu", value, name="act")])
    viewer = view(graph)
    viewer.click("act")
    assert "? float32" in viewer.details


DRAGGED = """new Promise((done) => {
  app.active.pan(0, 30);
  requestAnimationFrame(() => done(app.active.painted.camera.y));
})"""
"""The camera of what is painted, one frame after a drag."""
