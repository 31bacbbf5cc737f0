"""What the pages of the gallery claim, held to what they find when they are run (make zoo)."""

import runpy
from pathlib import Path

import pytest

PAGES = Path(__file__).parents[2] / "gallery" / "pages"

pytestmark = [pytest.mark.zoo, pytest.mark.filterwarnings("default")]

CLAIMS = {
    "beside_its_peers": lambda page: page["fitted"] > 7,
    "catch_a_change": lambda page: "1 failed" in page["report"] and "drawn:" in page["report"],
    "other_optimisers": lambda page: (
        min(page["counts"], key=page["counts"].get) == "graphlens"
        and page["onnx_runtime"].result.status == page["blocked"].result.status == "proven"
    ),
    "seventy_billion": lambda page: page["peak"] < 4 and len(page["plan"].order) > 700,
    "two_versions": lambda page: (
        not page["normed"].removed
        and sum(page["normed"].after.op(n) == "BatchNormalization" for n in page["normed"].added)
        == 13
        and not page["deeper"].removed
    ),
    "unet_memory": lambda page: page["planned"].arena_bytes == page["planned"].peak_live_bytes,
    "what_a_trace_loses": lambda page: page["proof"].status == "refuted",
    "what_eager_keeps": lambda page: (
        page["planned"].arena_bytes < page["inference"].peak < page["kept"]
        and abs(page["inference"].peak / page["captured"].eager_bytes - 1) < 0.01
    ),
    "what_fusion_does": lambda page: all(
        page[name].result.status == "proven" and page[name].result.kernels <= most
        for name, most in {"resnet": 3, "bert": 7, "llama": 12}.items()
    ),
    "write_a_front_end": lambda page: page["history"].result.status == "proven",
    "write_a_pass": lambda page: page["history"].result.status == "proven",
}
"""By the page's name: what it says, as a test of the names that are left when it has run."""


@pytest.mark.parametrize("name", CLAIMS)
def test_a_page_finds_what_it_says(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    page = runpy.run_path(str(PAGES / f"plot_{name}.py"), run_name="__main__")
    assert CLAIMS[name](page)
    assert any(drawn.stat().st_size for drawn in tmp_path.glob("*.svg"))


def test_every_page_is_held_to_what_it_says():
    elsewhere = {"static_and_dynamic", "zoo"}
    pages = {path.stem.removeprefix("plot_") for path in PAGES.glob("plot_*.py")}
    assert pages - elsewhere == CLAIMS.keys()
