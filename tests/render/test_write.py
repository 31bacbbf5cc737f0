import picture_graphs
import pytest

from graphlens import render, view
from graphlens.errors import MissingDependencyError, UsageError
from graphlens.memory.plan import plan_memory
from graphlens.render import png


@pytest.fixture(name="diagram", scope="module")
def small_diagram():
    return view.graph(picture_graphs.residual_net())


@pytest.fixture(name="memory_map", scope="module")
def small_memory_map():
    return view.memory(plan_memory(picture_graphs.residual_net()))


BEGINNINGS = {".svg": b"<?xml", ".png": b"\x89PNG", ".pdf": b"%PDF", ".txt": b"net\n"}


@pytest.mark.parametrize("suffix", BEGINNINGS)
@pytest.mark.parametrize("kind", ["diagram", "memory_map"])
def test_the_suffix_names_the_format(kind, suffix, tmp_path, request):
    pytest.importorskip("reportlab" if suffix == ".pdf" else "graphlens")
    render.write(request.getfixturevalue(kind), tmp_path / f"a{suffix}")
    assert (tmp_path / f"a{suffix}").read_bytes().startswith(BEGINNINGS[suffix])


def test_dot_has_opaque_ids_and_the_clusters(diagram, tmp_path):
    render.write(diagram, tmp_path / "a.dot")
    text = (tmp_path / "a.dot").read_text()
    assert "subgraph cluster_0" in text
    assert "n0 -> n1" in text


def test_a_memory_map_is_no_dot(memory_map, tmp_path):
    with pytest.raises(UsageError, match="no graph"):
        render.write(memory_map, tmp_path / "a.dot")


@pytest.mark.parametrize("name", ["a.jpeg", "a", "a.svg.bak"])
def test_an_unknown_suffix_names_those_there_are(diagram, tmp_path, name):
    with pytest.raises(UsageError, match=r"must be one of \.svg, \.png"):
        render.write(diagram, tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_an_unwritable_folder_is_a_usage_error(diagram, tmp_path):
    with pytest.raises(UsageError, match="cannot write"):
        render.write(diagram, tmp_path / "missing" / "a.svg")


def test_a_failed_picture_leaves_the_old_file(diagram, tmp_path, monkeypatch):
    target = tmp_path / "a.png"
    target.write_bytes(b"old")
    monkeypatch.setitem(render.write.__globals__["RENDERERS"], ".png", _fails)
    with pytest.raises(MissingDependencyError):
        render.write(diagram, target)
    assert target.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def _fails(picture):
    raise MissingDependencyError("no")


def test_without_anything_that_draws_png_the_error_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingDependencyError, match="pip install"):
        png._by_program("<svg/>", 1.0)


def test_text_shows_panes_scopes_and_repetitions(diagram, tmp_path):
    render.write(diagram, tmp_path / "a.txt")
    text = (tmp_path / "a.txt").read_text()
    assert "x 3" in text
    assert "Conv 3×3, 8 | Relu" in text
