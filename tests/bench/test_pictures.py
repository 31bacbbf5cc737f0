"""The default pictures of the models that are measured hold what is promised of any picture."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import jobs
import models

for library in ("torchvision", "transformers", "keras"):
    pytest.importorskip(library)

NONE = ("crossings", "over_boxes", "overlaps", "over_lines", "over_frames", "cut")


@pytest.mark.filterwarnings("ignore")  # of the libraries that the models are of
@pytest.mark.parametrize("name", models.MODELS)
def test_the_default_picture_of_a_measured_model_is_legible_and_nothing_lies_over_another(
    name, tmp_path
):
    found = jobs.drawn_by_graphlens(tmp_path, name)()
    assert found["type"] >= 7.0
    assert 1 / 3 <= found["aspect"] <= 3
    assert {what: found[what] for what in NONE} == dict.fromkeys(NONE, 0)
