"""Finding things on the page, and the way back: what people do in other viewers too."""

import picture_graphs
import pytest


def found(viewer, query):
    viewer.page.locator("#search").fill(query)
    return viewer.page.locator("#hits [role=option] b").all_inner_texts()


@pytest.mark.parametrize(
    ("query", "count", "first"),
    [
        (r"/stage\d\.0\.a\.conv/", 2, "stage0.0.a.conv"),
        (r"/^stage1\.[12]\.add/", 2, "stage1.1.add"),
        ("kernel_shape=(3, 3)", 14, "stem.conv"),
        ("relu stage1.2", 2, "stage1.2.a.relu"),
        ("/stage(", 0, None),
    ],
)
def test_search_takes_patterns_attributes_and_several_words(view, net, query, count, first):
    viewer = view(net)
    names = found(viewer, query)
    assert len(names) == count
    assert names[:1] == ([first] if first else [])


def test_ctrl_f_searches_the_picture(view, net):
    viewer = view(net)
    viewer.page.keyboard.press("Control+f")
    viewer.page.keyboard.type("pool")
    viewer.page.keyboard.press("Enter")
    assert viewer.selected == "pool"


def test_what_is_found_is_marked_in_the_picture_and_on_the_closed_scopes_that_hide_it(view, net):
    viewer = view(net)
    viewer.press("Shift+O")
    marks = "['stem.conv', 'x'].map((name) => app.active.mark({ name }))"
    scopes = "['stage0', 'stage1'].map((path) => app.active.mark({ path }))"
    found(viewer, "conv")
    assert viewer.ask(marks) == ["found", ""]
    assert viewer.ask(scopes) == ["found", "found"]
    found(viewer, "stage1.2.add")
    assert viewer.ask(scopes) == ["", "found"]
    viewer.page.keyboard.press("Escape")
    assert viewer.ask(scopes) == ["", ""]


def test_one_goes_back_to_what_was_selected_before(view, net):
    viewer = view(net)
    for name in ("stem.conv", "pool", "stage1.2.b.conv"):
        viewer.ask("app.goTo(a[0])", name)
    viewer.page.locator("#details .back").click()
    viewer.settle()
    assert viewer.selected == "pool"
    viewer.press(",")
    assert viewer.selected == "stem.conv"
    x, y = viewer.place("stem.conv")
    assert 260 < x < 1200
    assert 0 < y < 800
    assert viewer.page.locator("#details .back").count() == 0


def test_what_feeds_a_node_is_named_as_the_op_names_it_and_a_click_away(view, net):
    viewer = view(net)
    viewer.ask("app.goTo('stage1.0.a.conv')")
    assert "X grow1.relu" in viewer.details
    assert "W stage1.0.a.weight" in viewer.details
    viewer.page.locator("#details").get_by_role("button", name="grow1.relu").click()
    viewer.settle()
    assert viewer.selected == "grow1.relu"


def test_scopes_with_the_same_in_them_are_told_and_marked(view, net):
    viewer = view(net)
    viewer.press("o")
    viewer.ask("app.goTo('\\u0001stage1.1')")
    said = viewer.details
    assert "2 LIKE IT" in said.upper()
    assert viewer.ask("[...app.active.alike].map((name) => name.slice(1)).sort()") == [
        "stage1.0",
        "stage1.2",
    ]


def test_buttons_open_and_close_all(view, net):
    viewer = view(net)
    viewer.page.get_by_role("button", name="open all").click()
    assert viewer.ask("app.open.has('stage1.2')")
    viewer.page.get_by_role("button", name="close all").click()
    assert viewer.ask("[...app.open]") == [""]


def test_what_is_seen_is_saved_as_a_picture(view, net, tmp_path):
    viewer = view(net)
    with viewer.page.expect_download() as saving:
        viewer.press("s")
    assert saving.value.suggested_filename == "net captured.png"
    saving.value.save_as(tmp_path / "seen.png")
    assert (tmp_path / "seen.png").read_bytes().startswith(b"\x89PNG")


def test_a_picture_opens_so_large_that_its_words_can_be_read(view, net):
    viewer = view(net, viewport={"width": 500, "height": 360})
    assert viewer.ask("app.active.camera.k") >= 0.7


def test_one_of_many_tensors_in_a_bundle_is_followed_to_its_own_reader(view):
    viewer = view(picture_graphs.branches(120, 1))
    assert viewer.ask("app.readersOf(app.active.state, 'b3.0')") == ["joined"]
    viewer.ask("app.goTo('b3.0')")
    viewer.settle()
    values = viewer.ask("[...app.active.lit].map((wire) => wire.values.length)")
    assert max(values) >= 16
    assert min(values) == 1
    assert "joined" in viewer.details
