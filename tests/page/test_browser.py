"""The page in a browser: pointing, clicking, searching, sliding, and the keyboard."""

import itertools
from collections import defaultdict

import numpy as np
import pytest

from graphlens.ir import Graph
from graphlens.ops.build import Builder
from graphlens.tensor import TensorType


def boxes(viewer):
    return viewer.ask("app.active.count.boxes")


def opened(viewer, path):
    return viewer.ask("app.open.has(a[0])", path)


def test_a_click_on_a_node_says_everything_about_it(view, net):
    viewer = view(net)
    viewer.click("stem.conv")
    assert viewer.selected == "stem.conv"
    heard = viewer.page.get_by_role("status").text_content()
    assert heard == "Conv 3×3, 8, stem.conv, 1×8×16×16"
    said = viewer.details
    for wanted in (
        "stem.conv",
        "Conv",
        "1×8×16×16 float32",
        "kernel_shape",
        "stem.weight",
        "weight",
    ):
        assert wanted in said
    viewer.page.locator("#details .schema summary").click()
    assert "The convolution operator consumes an input tensor" in viewer.details


def test_a_click_on_a_weight_says_what_its_values_are(view, net):
    viewer = view(net)
    viewer.click("stem.conv")
    assert "float32" in viewer.details
    assert "mean" not in viewer.details
    viewer.page.locator("#details .weight summary").first.click()
    for wanted in ("8×3×3×3", "864 B", "min", "max", "mean", "std", "216 (100 %)", "0 0 0 0"):
        assert wanted in viewer.details


def test_a_click_beside_everything_selects_nothing(view, net):
    viewer = view(net)
    viewer.click("stem.conv")
    viewer.page.mouse.click(300, 780)
    assert viewer.selected is None
    assert viewer.page.locator("#details").is_hidden()


def test_a_click_on_a_closed_scope_opens_it_and_on_its_title_closes_it(view, net):
    viewer = view(net)
    viewer.press("Shift+O")
    before = viewer.ask("app.active.placed.height")
    viewer.click("\x01stage0")
    assert opened(viewer, "stage0")
    assert viewer.ask("app.active.placed.height") > before + 150
    viewer.click("\x01stage0")
    assert not opened(viewer, "stage0")
    assert viewer.ask("app.active.placed.height") == before


def test_what_is_clicked_stays_where_it_is(view, net):
    viewer = view(net)
    viewer.press("Shift+O")
    before = viewer.place("\x01stage1")
    viewer.click("\x01stage1")
    after = viewer.place("\x01stage1")
    assert after == pytest.approx(before, abs=1.5)


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("stage1.2.b.conv", "stage1.2.b.conv"),
        ("GlobalAveragePool", "pool"),
        ("1x16x1x1", "pool"),
        ("stage1.2.add", "stage1.2.add"),
    ],
)
def test_search_finds_by_name_op_and_shape(view, net, query, first):
    viewer = view(net)
    viewer.press("/")
    viewer.page.keyboard.type(query)
    viewer.page.keyboard.press("Enter")
    viewer.settle()
    assert viewer.selected == first
    x, y = viewer.place(first)
    assert 0 < x < 1200
    assert 0 < y < 800


def test_search_goes_on_with_the_arrows_and_says_when_there_is_nothing(view, net):
    viewer = view(net)
    viewer.press("/")
    viewer.page.keyboard.type("relu")
    names = viewer.page.locator("#hits [role=option] b").all_inner_texts()
    assert len(names) == 14
    viewer.page.keyboard.press("ArrowDown")
    viewer.page.keyboard.press("Enter")
    assert viewer.selected == names[1]
    viewer.press("/")
    viewer.page.keyboard.type("qqqqqq")
    assert viewer.page.locator("#hits").inner_text() == "nothing found"


def test_the_arrow_keys_follow_the_wires_through_scopes(view, net):
    viewer = view(net)
    viewer.page.locator("#picture").focus()
    seen = []
    for _ in range(6):
        viewer.press("ArrowDown")
        seen.append(viewer.selected)
    assert seen[:3] == ["x", "stem.conv", "stem.relu"]
    assert seen[3] in ("\x01stage0.0", "stage0.0.a.conv", "\x01stage0")
    viewer.press("ArrowUp", "ArrowUp", "ArrowUp")
    assert viewer.selected == "stem.relu"


def test_enter_opens_and_backspace_goes_out(view, net):
    viewer = view(net)
    viewer.press("Shift+O")
    viewer.ask("app.select('\\u0001stage0')")
    viewer.page.locator("#picture").focus()
    viewer.press("Enter")
    assert opened(viewer, "stage0")
    viewer.press("ArrowDown")
    assert viewer.selected == "\x01stage0.0"
    viewer.press("Backspace")
    assert viewer.selected == "\x01stage0"


def test_plus_minus_and_f_zoom(view, net):
    viewer = view(net)
    near = viewer.ask("app.active.camera.k")
    viewer.press("+")
    assert viewer.ask("app.active.camera.k") > near
    viewer.press("-", "-")
    assert viewer.ask("app.active.camera.k") < near
    viewer.press("f")
    whole = viewer.ask("app.active.placed.height * app.active.camera.k")
    assert whole <= viewer.ask("app.active.height")


def test_the_wheel_zooms_at_the_pointer_and_a_drag_pans(view, net):
    viewer = view(net)
    at = viewer.place("stem.conv")
    viewer.page.mouse.move(*at)
    viewer.page.mouse.wheel(0, -300)
    viewer.wait("app.active.camera.k > 1.2")
    assert viewer.place("stem.conv") == pytest.approx(at, abs=9)
    viewer.page.mouse.down()
    viewer.page.mouse.move(at[0] + 60, at[1] + 40)
    viewer.page.mouse.up()
    moved = viewer.place("stem.conv")
    assert moved == pytest.approx((at[0] + 60, at[1] + 40), abs=9)
    assert viewer.selected is None


def test_only_what_is_on_the_screen_is_drawn(view, net):
    viewer = view(net)
    viewer.press("o")
    viewer.ask("(app.goTo('stage1.2.b.conv'), 1)")
    viewer.press("+", "+", "+", "+")
    assert 0 < boxes(viewer) < 12
    viewer.press("f")
    assert boxes(viewer) > 25


def test_help_opens_and_closes(view, net):
    viewer = view(net)
    viewer.page.keyboard.press("?")
    assert viewer.page.locator("#help").is_visible()
    assert "search" in viewer.page.locator("#help").inner_text()
    viewer.page.keyboard.press("Escape")
    assert viewer.page.locator("#help").is_hidden()


def test_a_link_restores_the_view(view, net):
    viewer = view(net)
    viewer.press("Shift+O")
    viewer.click("\x01stage1")
    viewer.click("\x01stage1.1")
    viewer.ask("app.select('stage1.1.a.relu')")
    viewer.press("+", "m")
    viewer.ask("app.link()")
    said = viewer.ask("[[...app.open].sort(), app.selected, app.memory.shown, app.active.camera]")
    viewer.open(viewer.ask("location.hash"))
    again = viewer.ask("[[...app.open].sort(), app.selected, app.memory.shown, app.active.camera]")
    assert again[:3] == said[:3]
    assert again[3]["k"] == pytest.approx(said[3]["k"], abs=1e-3)
    assert again[3]["x"] == pytest.approx(said[3]["x"], abs=1)
    assert again[3]["y"] == pytest.approx(said[3]["y"], abs=1)


@pytest.mark.parametrize("hash", ["#open=9999~x&pass=77&at=nobody&view=1,nan,3", "#%%%", "#view=1"])
def test_a_link_that_does_not_fit_does_no_harm(view, net, hash):
    viewer = view(net)
    viewer.open(hash)
    assert boxes(viewer) > 0


def test_dark_and_light_follow_the_system_and_the_button(view, net):
    viewer = view(net, color_scheme="dark")
    background = "getComputedStyle(document.body).backgroundColor"
    assert viewer.ask(background) == "rgb(15, 20, 26)"
    assert viewer.ask("app.colour('paper')") == "#0f141a"
    viewer.page.locator("#dark-button").click()
    assert viewer.ask(background) == "rgb(255, 255, 255)"
    assert viewer.ask("app.colour('paper')") == "#ffffff"


def test_the_tree_has_the_graph_for_the_keyboard_and_for_screen_readers(view, net):
    viewer = view(net)
    viewer.press("Shift+O")
    tree = viewer.page.locator("#tree")
    lines = tree.locator("[role=treeitem]")
    assert lines.count() == 9
    tree.focus()
    viewer.press("Home", "ArrowDown", "ArrowDown", "ArrowDown")
    assert viewer.selected == "\x01stage0"
    viewer.press("ArrowRight", "ArrowRight")
    assert viewer.selected == "\x01stage0.0"
    line = tree.locator("[aria-selected=true]")
    assert line.get_attribute("aria-level") == "2"
    assert line.get_attribute("aria-posinset") == "1"
    assert tree.get_attribute("aria-activedescendant") == line.get_attribute("id")
    viewer.press("ArrowLeft", "ArrowLeft")
    assert viewer.selected == "\x01stage0"
    assert not opened(viewer, "stage0")


def test_the_minimap_leads_anywhere(view, net):
    viewer = view(net)
    viewer.press("o", "+", "+", "+", "+", "+")
    at = viewer.page.locator("#minimap").bounding_box()
    x, y = viewer.ask(
        "(({ left, top, k }, rect) => [left + rect.x * k, top + rect.y * k])"
        "(app.minimap, app.active.rectOf('pool'))"
    )
    viewer.page.mouse.click(at["x"] + x, at["y"] + y)
    x, y = viewer.place("pool")
    assert 260 < x < 1200
    assert 0 < y < 800


def test_things_move_unless_one_wants_them_still(view, net):
    viewer = view(net, reduced_motion="no-preference")
    viewer.press("Shift+O")
    viewer.ask("(app.toggle('stage0'), 1)")
    assert viewer.ask("app.active.moving !== null")
    viewer.settle()
    high = viewer.ask("app.active.placed.height")
    still = view(net)
    still.press("Shift+O")
    still.ask("(app.toggle('stage0'), 1)")
    assert still.ask("app.active.moving === null")
    assert still.ask("app.active.placed.height") == high


def test_a_long_picture_stands_in_columns_and_no_wire_crosses_a_box(view, net):
    viewer = view(net)
    viewer.press("o")
    assert viewer.ask("app.active.placed.columns.length") > 1
    assert viewer.ask(CROSSED) == []


CROSSED = """(() => {
  const found = [];
  const check = (placed) => {
    const ways = graphlens.waysOf(placed);
    for (const held of placed.items) {
      const box = [held.x + 1, held.y + 1, held.x + held.width - 1, held.y + held.height - 1];
      for (const { wire, points, led } of ways) {
        const lines = points.slice(1).map((b, i) => [points[i], b]).filter(([, b]) => !b.jump);
        for (const corners of led) corners.slice(1).forEach((b, i) => lines.push([corners[i], b]));
        for (const [a, b] of lines) {
          if (Math.max(a.x, b.x) > box[0] && Math.min(a.x, b.x) < box[2]
              && Math.max(a.y, b.y) > box[1] && Math.min(a.y, b.y) < box[3]) {
            found.push([wire.value, held.item.index]);
          }
        }
      }
      if (held.inner) check(held.inner);
    }
  };
  check(app.active.placed);
  return found;
})()"""
"""Wires whose ways meet a box; a bend stays in the rectangle between its ends."""


WRITTEN = """new Promise((done) => {
  const paint = CanvasRenderingContext2D.prototype.fillText;
  const seen = [];
  CanvasRenderingContext2D.prototype.fillText = function (text, x, y, room = Infinity) {
    seen.push([text, x, Math.min(this.measureText(text).width, room), this.textAlign, y]);
    paint.call(this, text, x, y, room);
  };
  graphlens.redraw();
  requestAnimationFrame(() => requestAnimationFrame(() => {
    CanvasRenderingContext2D.prototype.fillText = paint;
    done(seen);
  }));
})"""


def test_words_stay_in_their_box_whatever_the_font(view, net):
    """A word that is too wide in the font that there is is drawn narrower, and none is left out."""
    viewer = view(net)
    viewer.press("o")
    written = viewer.page.evaluate(WRITTEN)
    box = viewer.ask("app.active.rectOf('x')")
    words = {
        text: (left, left + wide) for text, left, wide, align, _ in written if align != "right"
    }
    assert words["x"][0] == pytest.approx(box["x"] + 9)
    assert words["x"][1] + 3 <= words["1×3×16×16 float32"][0]
    assert words["1×3×16×16 float32"][1] <= box["x"] + box["width"] - 8


def long_names():
    """A closed scope whose name, class and figure are too long for a line, and a residual block."""
    graph = Graph()
    make = Builder(graph)
    x = make.input("x", TensorType("float32", (1, 64)))
    for scope in ("post_attention_layernorm", "tail"):
        graph.scopes[scope] = "MixtralRMSNormalisation"
        make.scope = scope
        weight = make.param(f"{scope}.weight", TensorType("float32", (64, 64)))
        for _ in range(2):
            x = make.op("MatMul", make.op("Exp", x), weight)
    make.scope = ""
    wide = make.op("Expand", x, make.const(np.array([8, 64])), name="wide")
    deep = make.op("Softmax", make.op("MatMul", wide, make.const(np.eye(64, dtype=np.float32))))
    make.output([make.op("Mul", deep, wide)])
    return graph


def test_no_two_texts_of_a_page_overlap(view):
    viewer = view(long_names())
    viewer.press("O")
    spans = defaultdict(list)
    for text, x, wide, align, y in viewer.page.evaluate(WRITTEN):
        left = x - wide if align == "right" else x
        spans[round(y)].append((left, left + wide, text))
    texts = {text for held in spans.values() for *_, text in held}
    assert any("MixtralRMS" in text for text in texts)
    assert "tail" in texts  # a short name is whole
    for held in spans.values():
        for (_, end, one), (start, _, other) in itertools.pairwise(sorted(held)):
            assert end <= start, (one, other)


def slices():
    """Narrow boxes side by side, each with a shape below it."""
    graph = Graph()
    make = Builder(graph)
    x = make.input("x", TensorType("float32", (1, 96, 56, 56)))
    ends = [make.const(np.array([at])) for at in (0, 56, 2, 2)]
    make.output([make.op("Concat", *(make.op("Slice", x, *ends) for _ in range(4)), axis=1)])
    return graph


def test_shapes_side_by_side_keep_clear_of_each_other(view):
    viewer = view(slices())
    spans = defaultdict(list)
    for text, x, wide, align, y in viewer.page.evaluate(WRITTEN):
        if "×28×" in text and "float32" not in text:
            left = x - wide if align == "right" else x
            spans[round(y)].append((left, left + wide))
    assert sum(map(len, spans.values())) >= 2
    for held in spans.values():
        for (_, end), (start, _) in itertools.pairwise(sorted(held)):
            assert end <= start


def test_a_shape_is_written_on_the_side_that_no_wire_bends_to(view):
    viewer = view(long_names())
    written = {text: (x, x + wide) for text, x, wide, *_ in viewer.page.evaluate(WRITTEN)}
    box = viewer.ask("app.active.rectOf(a[0])", "wide")
    assert written["8×64"][1] < box["x"] + box["width"] / 2
