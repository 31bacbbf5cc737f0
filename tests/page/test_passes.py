"""The page of a history: the slider, two states side by side, the memory map."""

import pytest

import graphlens


def state(viewer):
    return viewer.ask("app.active.state.name")


def test_the_page_opens_with_what_the_passes_left(view, history):
    viewer = view(history)
    assert state(viewer) == "fuse"
    assert viewer.page.locator(".step").all_inner_texts() == ["captured", "fuse"]
    assert "kernels" in viewer.page.locator("#passes").inner_text()


def test_the_slider_goes_through_the_passes(view, history):
    viewer = view(history)
    viewer.press("o")
    viewer.page.locator("#pass").fill("0")
    viewer.settle()
    assert state(viewer) == "captured"
    assert viewer.ask("app.active.rectOf('stem.relu') !== null")
    viewer.press("]")
    assert state(viewer) == "fuse"
    assert viewer.ask("app.active.rectOf('stem.relu')") is None
    viewer.press("[")
    assert state(viewer) == "captured"


def test_a_change_is_animated_and_ends_where_it_should(view, history):
    viewer = view(history, reduced_motion="no-preference")
    viewer.ask("(app.passes.goTo(0), 1)")
    viewer.wait("app.active.change !== null")
    viewer.settle()
    assert viewer.ask("app.active.change") is None
    assert viewer.ask("app.active.count.boxes") > 0


def test_what_is_under_the_eye_stays_when_the_pass_changes(view, history):
    viewer = view(history)
    viewer.press("o")
    viewer.ask("app.goTo('stage1.0.b.conv')")
    name = viewer.ask("app.active.inMiddle()[0]")
    before = viewer.place(name)
    viewer.press("[")
    assert viewer.place(name) == pytest.approx(before, abs=2)


def test_what_a_pass_made_is_marked(view, history):
    viewer = view(history)
    viewer.press("o")
    marks = "['stem.conv', 'x'].map((name) => app.active.mark({ name }))"
    assert viewer.ask(marks) == ["fresh", ""]
    viewer.press("Shift+O")
    assert viewer.ask("app.active.mark({ path: 'stage0' })") == "fresh"


def test_side_by_side_equal_things_stand_at_equal_heights(view, history):
    viewer = view(history)
    viewer.press("o", "b")
    assert viewer.ask("app.panes.map((view) => view.state.name)") == ["captured", "fuse"]
    for name in ("x", "stem.conv", "\x01stage0", "\x01stage1.1", "stage1.2.b.conv", "pool"):
        heights = viewer.ask("app.panes.map((view) => view.rectOf(a[0]).y)", name)
        assert heights[0] == pytest.approx(heights[1], abs=20), name
    assert viewer.ask("app.panes.map((view) => view.placed.height)")[0] == viewer.ask(
        "app.panes[1].placed.height"
    )


def test_pointing_at_a_group_marks_its_members_in_the_other_pane(view, history):
    viewer = view(history)
    viewer.press("o", "b", "f")
    viewer.hover("stem.conv", pane=1)
    marks = "app.panes.map((view) => [...app.marks.get(view.state.index)])"
    assert viewer.ask(marks) == [
        [["stem.conv", "matched"], ["stem.relu", "matched"]],
        [["stem.conv", "hover"]],
    ]
    viewer.hover("stem.relu", pane=0)
    assert viewer.ask(marks) == [[["stem.relu", "hover"]], [["stem.conv", "matched"]]]


def test_what_is_selected_in_one_pane_is_marked_in_the_other(view, history):
    viewer = view(history)
    viewer.press("o", "b", "f")
    viewer.click("stem.conv", pane=1)
    marks = "['stem.conv', 'stem.relu', 'x'].map((name) => app.panes[0].mark({ name }))"
    assert viewer.ask(marks) == ["selected", "matched", ""]


def test_the_panes_move_together(view, history):
    viewer = view(history)
    viewer.press("b", "+", "Shift+ArrowDown")
    cameras = viewer.ask("app.panes.map((view) => [view.camera.y, view.camera.k])")
    assert cameras[0] == cameras[1]
    viewer.press("b")
    assert viewer.page.locator("#other").is_hidden()


def test_a_link_restores_the_pass_and_the_pane_beside_it(view, history):
    viewer = view(history)
    viewer.press("b", "+", "Shift+ArrowDown")
    viewer.ask("app.link()")
    camera = viewer.ask("app.active.camera")
    viewer.open(viewer.ask("location.hash"))
    assert viewer.ask("app.panes.map((view) => view.state.name)") == ["captured", "fuse"]
    assert viewer.ask("app.active.camera") == pytest.approx(camera, abs=1)
    viewer.press("b", "[")
    viewer.ask("app.link()")
    viewer.open(viewer.ask("location.hash"))
    assert state(viewer) == "captured"
    assert viewer.ask("app.panes.length") == 1


def test_the_details_say_what_a_node_was_before(view, history):
    viewer = view(history)
    viewer.ask("app.goTo('stem.conv')")
    said = viewer.details.lower()
    assert "in “captured”" in said
    assert "stem.relu" in said


def test_pointing_at_a_tensor_shows_its_lifetime_in_the_graph(view, net):
    viewer = view(net)
    viewer.press("o", "m")
    x, y = viewer.ask(
        "(() => { const span = app.memory.map.byNode.get('stem.relu')[0];"
        "const [x, y, wide, high] = app.memory.box(span);"
        "const at = app.memory.canvas.getBoundingClientRect();"
        "return [at.x + x + wide / 2, at.y + y + high / 2] })()"
    )
    viewer.page.mouse.move(x, y)
    viewer.settle()
    marks = dict(viewer.ask("[...app.marks.get(0)]"))
    assert marks["stem.relu"] == "hover"
    assert marks["stage0.0.a.conv"] == "alive"
    assert "stage0.2.b.conv" not in marks
    said = viewer.page.locator("#tensor").inner_text()
    assert said.startswith("stem.relu 8.19 kB at")
    viewer.page.mouse.click(x, y)
    assert viewer.selected == "stem.relu"


def test_pointing_at_a_node_marks_its_tensor_in_the_map(view, net):
    viewer = view(net)
    viewer.press("o", "m")
    viewer.hover("stem.conv")
    assert viewer.ask("app.memory.marked().map((span) => span.label)") == ["stem.conv"]
    assert viewer.page.locator("#tensor").inner_text().startswith("stem.conv")


def test_every_state_has_its_memory_map(view, net):
    """And equal ones are worked out, but not kept, twice."""
    history = graphlens.optimize(net, ["canonicalize", "fuse", "reuse_buffers"], prove=False)
    changed = [history.before, *(step.after for step in history.steps if step.changed)]
    viewer = view(history)
    viewer.press("m")
    for index, graph in enumerate(changed):
        viewer.ask("(app.passes.goTo(a[0]), 1)", index)
        wanted = graphlens.plan_memory(graph)
        assert viewer.ask("app.memory.map.arena") == wanted.arena_bytes
        assert viewer.ask("app.memory.map.spans.length") == len(wanted.lifetimes)
        assert viewer.page.locator("#map").is_visible()


def test_the_memory_map_says_why_there_is_none(view):
    graph = graphlens.ir.Graph(name="unsized")
    make = graphlens.ops.build.Builder(graph)
    value = make.input("x", graphlens.tensor.TensorType("float32", ("N", 3)))
    make.output([make.op("Relu", value, name="act")])
    viewer = view(graph)
    viewer.press("m")
    assert "No memory map" in viewer.page.locator("#memory-head").inner_text()


def test_a_plan_and_a_difference_have_pages_too(view, net, history):
    viewer = view(graphlens.plan_memory(net))
    viewer.press("m")
    assert viewer.page.locator("#map").is_visible()
    viewer = view(graphlens.diff(history.before, history.after))
    assert viewer.ask("app.page.states.length") == 2
    viewer = view(history.steps[0])
    assert state(viewer) == "fuse"
