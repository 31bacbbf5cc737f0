"""The essay's example, run as it stands in the gallery."""

import runpy
import shutil
from pathlib import Path

import pytest

PAGES = Path(__file__).parents[2] / "gallery" / "pages"
COST = 134.29327  # the essay's, float32

pytest.importorskip("torch")
pytest.importorskip("tensorflow")
pytestmark = [
    pytest.mark.torch,
    pytest.mark.tensorflow,
]


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """What the page's names hold after it was run in a folder of its own."""
    folder = tmp_path_factory.mktemp("page")
    shutil.copy(PAGES / "iris.csv", folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        held = runpy.run_path(str(PAGES / "plot_static_and_dynamic.py"))
    return {**held, "folder": folder}


def test_both_frameworks_and_graphlens_get_the_essays_cost(page):
    costs = [page[name] for name in ("from_session", "from_torch", "static_cost", "dynamic_cost")]
    assert [float(cost) for cost in costs] == pytest.approx([COST] * 4, abs=2e-5)


def test_the_static_and_the_dynamic_graph_are_one_graph(page):
    assert page["one_graph"]


def test_the_optimised_graph_is_proven(page):
    assert page["proof"].status == "proven"


def test_every_picture_was_written(page):
    names = {path.name for path in page["folder"].glob("*.svg") if path.stat().st_size}
    assert names == {"static.svg", "dynamic.svg", "static_before_after.svg"}
