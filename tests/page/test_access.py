"""The page without a mouse, without sight, in a narrow window, in motion and still."""

import pytest

NARROW = {"width": 560, "height": 760}
FOCUSED = """(() => {
  const e = document.activeElement;
  const box = e.getBoundingClientRect();
  const name = e.getAttribute('aria-label') || e.labels?.[0]?.textContent || e.textContent.trim();
  const style = getComputedStyle(e);
  return [e.id || e.className || e.tagName, name, style.outlineStyle !== 'none', box.width > 0,
          e === document.body];
})()"""


def controls(viewer):
    """What Tab comes to, one after the other: id, name, outlined, in sight."""
    found = []
    for _ in range(40):
        viewer.page.keyboard.press("Tab")
        held = viewer.ask(FOCUSED)
        if held[-1] or held in found:
            break
        found.append(held)
    return found


def test_every_control_is_reached_by_tab_has_a_name_and_shows_its_focus(view, history):
    viewer = view(history)
    viewer.press("m")
    viewer.ask("(app.goTo('stem.conv'), app.goTo('pool'), document.activeElement.blur(), 1)")
    found = controls(viewer)
    assert all(name and outlined and shown for _, name, outlined, shown, _ in found), found
    reached = {held[0] for held in found}
    there = viewer.ask(
        "[...document.querySelectorAll('button, input, select, summary, canvas[tabindex], "
        "[role=tree]')].filter((e) => e.checkVisibility() && !e.closest('dialog'))"
        ".map((e) => e.id || e.className || e.tagName)"
    )
    assert set(there) <= reached
    assert {"search", "color-by", "memory-button", "tree", "picture", "pass", "back"} <= reached


def test_everything_on_the_page_has_a_name_for_who_hears_it(view, history):
    viewer = view(history)
    viewer.press("m", "b")
    nameless = viewer.ask(
        "[...document.querySelectorAll('button, input, select, canvas[role], [role=tree], "
        "section, aside, dialog, details, ul[role]')].filter((e) => !(e.getAttribute('aria-label')"
        "|| e.labels?.length || e.textContent.trim())).map((e) => e.outerHTML.slice(0, 80))"
    )
    assert nameless == []
    assert viewer.page.get_by_role("slider", name="pass").get_attribute("aria-valuetext") == "fuse"
    viewer.page.get_by_role("button", name="Memory").focus()
    assert viewer.page.locator("#memory-button").get_attribute("aria-pressed") == "true"


def test_escape_leaves_one_thing_after_the_other(view, net):
    viewer = view(net)
    viewer.ask("(app.goTo('stem.conv'), 1)")
    viewer.page.keyboard.press("?")
    viewer.page.keyboard.press("Escape")
    assert viewer.page.locator("#help").is_hidden()
    assert viewer.selected == "stem.conv"
    viewer.press("/")
    viewer.page.keyboard.type("conv")
    viewer.page.keyboard.press("Escape")
    assert viewer.page.locator("#hits").is_hidden()
    assert viewer.ask("document.activeElement.id") == "picture"
    assert viewer.selected == "stem.conv"
    viewer.page.keyboard.press("Escape")
    assert viewer.selected is None
    assert viewer.page.locator("#details").is_hidden()


def test_every_key_of_the_help_does_something(view, history):
    viewer = view(history)
    viewer.page.keyboard.press("?")
    said = viewer.page.locator("#help dt").all_inner_texts()
    viewer.page.keyboard.press("Escape")
    seen = "JSON.stringify([app.selected, [...app.open], app.active.camera, app.memory.shown,"
    seen += "app.panes.length, app.active.state.index, document.activeElement.id,"
    seen += "document.body.className, document.documentElement.dataset.theme])"
    single = [key for keys in said for key in keys.split() if len(key) == 1 and key.isascii()]
    assert {"f", "c", "o", "O", "/", "[", "]", "b", "m", "t", "d", "k", ","} <= set(single)
    viewer.ask("(app.goTo('stem.conv'), app.goTo('pool'), app.passes.goTo(0), 1)")
    for key in ("]", "[", "b", "m", "t", "d", "O", "o", ",", "/"):
        before = viewer.ask(seen)
        viewer.press(key)
        assert viewer.ask(seen) != before, key


@pytest.mark.parametrize("size", [NARROW, {"width": 380, "height": 640}])
def test_in_a_narrow_window_nothing_is_cut_off(view, history, size):
    viewer = view(history, viewport=size)
    viewer.press("m")
    viewer.ask("(app.goTo('stem.conv'), 1)")
    wide = viewer.ask("document.documentElement.scrollWidth")
    assert wide <= size["width"]
    out = viewer.ask(
        "[...document.querySelectorAll('header button, header input, header select, #passes button,"
        "#pass, #details .close')].filter((e) => e.checkVisibility()).map((e) => [e.id ||"
        " e.className, e.getBoundingClientRect()]).filter(([, b]) => b.left < 0 || b.right >"
        " innerWidth + 1 || b.width < 16).map(([name]) => name)"
    )
    assert out == []
    assert viewer.ask("app.active.height") >= 150
    over = "document.elementFromPoint(a[0], a[1]).closest('header') !== null"
    assert viewer.ask(over, size["width"] // 2, 12)


def test_a_closed_scope_that_is_pointed_at_is_marked_in_the_other_pane(view, history):
    """As nodes are, at every level of folding."""
    viewer = view(history)
    viewer.press("b", "Shift+O", "f")
    marks = "app.panes.map((view) => [...app.marks.get(view.state.index)])"
    viewer.hover("\x01stage1", pane=0)
    assert viewer.ask(marks) == [[["\x01stage1", "hover"]], [["\x01stage1", "matched"]]]
    viewer.ask("(app.toggle('stage1'), 1)")
    viewer.press("f")
    viewer.hover("\x01stage1.2", pane=1)
    assert viewer.ask(marks) == [[["\x01stage1.2", "matched"]], [["\x01stage1.2", "hover"]]]
    viewer.press("o", "f")
    viewer.hover("stage1.2.b.relu", pane=0)
    assert [mark for _, mark in viewer.ask(marks)[1]] == ["matched"]


def test_half_way_through_a_change_everything_is_between_its_places(view, history):
    viewer = view(history, reduced_motion="no-preference")
    viewer.press("o")
    viewer.settle()
    viewer.ask(
        "(() => { const view = app.active; view.animate = (step) => step(0.5);"
        "app.passes.goTo(0); })()"
    )
    viewer.wait("app.active.change !== null && !app.dirty")
    half = viewer.ask(
        "app.active.change.sprites.items.filter((item) => item.old && item.new)"
        ".map(({ start, end }) => [start.x, start.y, end.x, end.y])"
    )
    assert len(half) > 5
    assert viewer.ask("app.active.change.t") == 0.5
    assert viewer.ask("app.active.count.boxes") > 5
    painted = viewer.ask(
        "(() => { const { canvas, ctx } = app.active; const { data } = ctx.getImageData(0, 0,"
        "canvas.width, canvas.height); let ink = 0; for (let i = 0; i < data.length; i += 4)"
        "ink += data[i] + data[i + 1] + data[i + 2] < 700; return ink; })()"
    )
    assert painted > 2_000
