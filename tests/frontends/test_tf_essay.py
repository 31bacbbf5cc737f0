"""The gallery's first page, run as a test: one regression in TensorFlow 1 and in PyTorch."""

import runpy

import numpy as np
import pytest

pytest.importorskip("tensorflow")
pytest.importorskip("torch")

import graphlens

pytestmark = [pytest.mark.tensorflow, pytest.mark.torch]


@pytest.fixture(scope="module")
def page(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        found = runpy.run_path(request.config.rootpath / "gallery" / "plot_static_and_dynamic.py")
    return {**found, "folder": folder}


def test_both_frameworks_give_one_graph(page):
    assert page["one_graph"] is True
    assert graphlens.equivalent(page["history"].after, graphlens.optimize(page["dynamic"]).after)


def test_cost_is_the_essays(page):
    # 134.293266 lies between two neighbours in float32: 134.29326 and 134.29327.
    neighbour = np.spacing(np.float32(134.29327))
    for cost in (page["from_session"], page["static_cost"], page["dynamic_cost"]):
        assert cost.dtype == np.float32
        assert abs(cost - np.float32(134.29327)) <= neighbour


def test_other_weights_are_another_graph(page):
    other = page["Cost"]()
    other.W.data += 1
    assert not graphlens.equivalent(page["static"], graphlens.capture(other, *page["examples"]))


def test_the_optimised_graph_is_proven(page):
    assert page["proof"].status == "proven"


def test_every_picture_is_drawn(page):
    drawn = {path.name: path.stat().st_size for path in page["folder"].glob("*.svg")}
    assert set(drawn) == {"static.svg", "dynamic.svg", "before_after.svg"}
    assert min(drawn.values()) > 1000
