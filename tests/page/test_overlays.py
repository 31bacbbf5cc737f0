"""Colours by measure, and the bodies of control flow, on the page in a browser."""

import control_graphs
import picture_graphs
import pytest

import graphlens
from graphlens.errors import UsageError
from graphlens.view import page
from graphlens.view.measure import MEASURES, measures
from graphlens.view.own import Own


def tint(viewer, name):
    return viewer.ask("app.overlay.tint(app.active.state.nodes.get(a[0]).entry)", name)


def choose(viewer, name):
    viewer.page.get_by_label("Colour").select_option(name)
    viewer.settle()


def legend(viewer):
    return viewer.page.locator("#legend").inner_text()


@pytest.mark.parametrize("by", [by for by in MEASURES if by != "time"])
def test_every_measure_of_the_pictures_is_on_the_page(net, by):
    overlays = {held.name: held for held in page.of_graph(net).overlays}
    made = page.of_graph(net)
    names = [entry.name for entry in made.entries]
    found = measures(net, by)
    held = dict(zip(names, overlays[by].values, strict=True))
    if overlays[by].sorts:
        said = {name: overlays[by].sorts[at] for name, at in held.items() if at is not None}
        assert said == {name: found.sorts[name] for name in said}
        assert len(said) == len([name for name in found.sorts if name in held])
    else:
        assert {name: at for name, at in held.items() if at is not None} == {
            name: found.amounts[name] for name in names if name in found.amounts
        }


def test_boxes_take_the_colour_of_what_they_cost(view, net):
    viewer = view(net)
    viewer.press("o")
    assert tint(viewer, "stem.conv") is None
    assert "convolution" in legend(viewer)
    choose(viewer, "flops")
    flops = measures(net, "flops").amounts
    most = max(flops.values())
    for name in ("stem.conv", "stem.relu", "stage1.2.b.conv", "pool"):
        assert tint(viewer, name) == f"heat{min(6, int(7 * flops[name] / most))}"
    assert tint(viewer, "x") is None
    assert "FLOPs" in legend(viewer)
    assert "in all" in legend(viewer)


def test_nodes_take_the_colour_of_somebodys_own_numbers(view, net):
    numbers = {"stem.conv": -1.0, "stage0.0.a.conv": 2.0, "stage0.0.b.conv": 1.0, "pool": 0.0}
    viewer = view(net, drawn={"color_by": Own(numbers, "error")})
    assert "error" in legend(viewer)
    assert "-1" in legend(viewer)
    assert "in all" not in legend(viewer)
    viewer.press("o")
    tints = {name: tint(viewer, name) for name in (*numbers, "stem.relu")}
    assert tints == {
        "stem.conv": "heat0",
        "stage0.0.a.conv": "heat6",
        "stage0.0.b.conv": "heat4",
        "pool": "heat2",
        "stem.relu": None,
    }
    viewer.click("stem.conv")
    assert "error" in viewer.details


def test_what_is_painted_is_the_tint(view, net):
    viewer = view(net)
    viewer.press("o")
    choose(viewer, "flops")
    viewer.ask("app.goTo('stage1.2.b.conv')")
    viewer.press("+", "+", "+")
    x, y = viewer.ask(
        "(({ x, y, width }, c) => [(x + width - 12 - c.x) * c.k, (y + 3 - c.y) * c.k])"
        "(app.active.rectOf('stage1.2.b.conv'), app.active.camera)"
    )
    pixel = viewer.ask("[...app.active.ctx.getImageData(a[0], a[1], 1, 1).data].slice(0, 3)", x, y)
    wanted = viewer.ask(
        "app.colour(app.overlay.tint(app.active.state.nodes.get(a[0]).entry))", "stage1.2.b.conv"
    )
    assert pixel == [int(wanted[at : at + 2], 16) for at in (1, 3, 5)]


def test_a_closed_scope_has_the_sum_of_what_is_in_it(view, net):
    viewer = view(net)
    viewer.press("Shift+O")
    choose(viewer, "params")
    path = "app.active.state.scopes.get('stage1').scope"
    said = viewer.ask(f"app.overlay.saidScope({path})")
    assert said == viewer.ask(f"{path}.note")
    assert viewer.ask(f"app.overlay.tintScope({path})") == "heat6"
    viewer.click("\x01stage1")
    assert viewer.ask("app.overlay.tint(app.active.state.nodes.get('x').entry)") is None


def test_sorts_have_a_colour_each_and_the_legend_counts_them(view, history):
    viewer = view(history)
    choose(viewer, "group")
    assert "Conv+Relu" in legend(viewer)
    assert tint(viewer, "stem.conv") == "sort0"
    viewer.press("b")
    assert "alone" in legend(viewer)
    assert viewer.page.locator("#legend li i").count() == viewer.ask(
        "app.overlay.scale.ordered.length"
    )


def test_a_link_keeps_the_colours_and_the_keyboard_chooses_them(view, net):
    viewer = view(net)
    viewer.press("k")
    viewer.page.keyboard.type("bytes read")
    viewer.page.keyboard.press("Enter")
    assert viewer.ask("app.overlay.chosen.name") == "bytes"
    viewer.ask("app.link()")
    viewer.open(viewer.ask("location.hash"))
    assert viewer.ask("app.overlay.chosen.name") == "bytes"
    assert viewer.page.get_by_label("Colour").input_value() == "bytes"
    viewer.open("#color=nothing")
    assert viewer.ask("app.overlay.chosen") is None


def test_a_page_opens_with_the_colours_asked_for_and_measured_times(view, net):
    seconds = {name: (index + 1) / 1e5 for index, name in enumerate(net) if "conv" in name}
    viewer = view(net, drawn={"color_by": "time", "profile": seconds})
    assert viewer.ask("app.overlay.chosen.name") == "time"
    viewer.ask("app.goTo('stage0.0.a.conv')")
    assert "time" in viewer.details
    assert "µs" in viewer.details
    choose(viewer, "")
    viewer.ask("app.link()")
    viewer.open(viewer.ask("location.hash"))
    assert viewer.ask("app.overlay.chosen") is None


def test_a_measure_that_is_not_there_is_said_so(net, tmp_path):
    with pytest.raises(UsageError, match="unknown measure 'flop'"):
        graphlens.draw(net, tmp_path / "x.html", color_by="flop")
    with pytest.raises(UsageError, match="measured on a real run"):
        graphlens.draw(net, tmp_path / "x.html", color_by="time")


# -- control flow -------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def gate():
    return control_graphs.branched()


def test_bodies_are_frames_that_open(view, gate):
    viewer = view(gate)
    viewer.press("Shift+O")
    assert viewer.ask("app.active.rectOf('choose').height") == viewer.ask(
        "app.active.rectOf('\\u0001choose').height"
    )
    viewer.click("\x01choose")
    viewer.click("\x01choose.then")
    assert viewer.ask("app.open.has('choose.then')")
    viewer.click("choose.then.relu")
    assert viewer.selected == "choose.then.relu"
    assert "choose.then.relu" in viewer.details
    assert viewer.page.locator("#tree").get_by_text("branch").count() == 2


def test_nodes_of_bodies_are_found_and_shown(view, gate):
    viewer = view(gate)
    viewer.press("Shift+O", "/")
    viewer.page.keyboard.type("sin")
    viewer.page.keyboard.press("Enter")
    assert viewer.selected == "again.body.sin"
    assert viewer.ask("app.open.has('again.body')")
    viewer.press("ArrowUp")
    assert viewer.selected == "again.body.exp"


def test_what_a_pass_does_inside_a_body_is_a_change(view, gate):
    viewer = view(graphlens.optimize(gate, ["eliminate"], prove=False))
    viewer.press("o")
    rest = "['identity', 'exp'].map((op) => app.active.rectOf(`again.body.${op}`) !== null)"
    assert viewer.ask(rest) == [False, True]
    viewer.press("[")
    assert viewer.ask(rest) == [True, True]


def test_equal_nodes_are_measured_once(monkeypatch):
    net = picture_graphs.residual_net(blocks=2)
    made = page.of_history(graphlens.optimize(net, ["fuse"], prove=False))
    (flops,) = (held for held in made.overlays if held.name == "flops")
    assert len(flops.values) == len(made.entries)


def test_tensors_of_bodies_are_linked_with_their_nodes(view, gate):
    viewer = view(gate)
    viewer.press("o", "m")
    spans = viewer.ask("app.memory.map.spans.map((span) => span.node)")
    assert {"choose.then.relu", "choose.else.neg", "again.body.exp"} <= set(spans)
    viewer.ask("app.goTo('again.body.exp')")
    assert viewer.page.locator("#tensor").inner_text().startswith("again.body.exp")
    assert [band[0] for band in viewer.ask("app.memory.map.bands")] == [
        "If choose: then branch",
        "If choose: else branch",
        "Loop again: body",
    ]
