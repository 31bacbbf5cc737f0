import itertools

import pytest

from graphlens.ops import facts
from graphlens.ops.facts import _TABLE
from graphlens.render import theme
from graphlens.render.metrics import clean, fitted, width


def luminance(colour):
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


PAPERS = ["paper", "cluster0", "cluster1", "cluster2"]
PAIRS = [
    *itertools.product(["ink", "soft"], [theme.fill(style) for style in theme.STYLES]),
    *itertools.product(["ink", "soft", "faint", "removed", "added", "changed"], PAPERS),
    *itertools.product(["good", "bad", "line"], ["paper"]),
    ("on_badge", "badge"),
]


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize(("text", "ground"), PAIRS)
def test_text_has_a_contrast_of_four_and_a_half_to_one(text, ground, mode):
    found = contrast(getattr(theme.PALETTE[text], mode), getattr(theme.PALETTE[ground], mode))
    assert found >= 4.5, f"{text} on {ground}: {found:.2f}"


def test_every_category_of_op_has_a_colour():
    categories = {held.category for held in _TABLE.values()} | {facts("odd").category}
    assert categories <= set(theme.STYLES)


def test_an_unknown_style_is_drawn_as_other():
    assert theme.fill("nonsense") == theme.fill("other")


def test_a_text_that_fits_is_left_as_it_is():
    assert fitted("Conv", 11, 100) == "Conv"


@pytest.mark.parametrize("text", ["x" * 10_000, "模型" * 300, "layer.0.attention.self.query"])
def test_a_text_that_does_not_fit_is_cut_to_what_does(text):
    cut = fitted(text, 11, 60)
    assert "…" in cut
    assert width(cut, 11) <= 60
    assert cut[0] == text[0]


def test_controls_and_directions_are_made_visible():
    assert clean("a\x00b\u202ec\nd") == "a\ufffdb\ufffdc d"
