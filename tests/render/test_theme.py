import itertools

import pytest

from graphlens.ops import facts
from graphlens.ops.facts import _TABLE
from graphlens.render import theme
from graphlens.render.metrics import clean, fitted, width
from graphlens.view.measure import KINDS, STEPS

EYES = {
    "usual": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopia": ((0.152, 1.053, -0.205), (0.115, 0.786, 0.099), (-0.004, -0.048, 1.052)),
    "deuteranopia": ((0.367, 0.861, -0.228), (0.280, 0.673, 0.047), (-0.012, 0.043, 0.969)),
    "tritanopia": ((1.256, -0.077, -0.179), (-0.078, 0.931, 0.148), (0.005, 0.691, 0.304)),
}
"""What is seen of a colour in linear light (Machado and others, 2009, at full severity)."""


def linear(colour):
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    return [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]


def seen(colour, eyes):
    light = linear(colour)
    return [
        min(1.0, max(0.0, sum(a * b for a, b in zip(row, light, strict=True))))
        for row in EYES[eyes]
    ]


def brightness(colour, eyes="usual"):
    """CIE L*, 0 to 100."""
    red, green, blue = seen(colour, eyes)
    y = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return 116 * y ** (1 / 3) - 16 if y > 0.008856 else 903.3 * y


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
    *itertools.product(["ink"], [word for word in theme.PALETTE if word[:4] in ("heat", "sort")]),
]
HEAT = [f"heat{step}" for step in range(STEPS)]
SORTS = [f"sort{kind}" for kind in range(KINDS)]


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


@pytest.mark.parametrize("eyes", EYES)
def test_the_scale_of_a_measure_only_grows_darker_or_at_night_lighter(eyes):
    by_day = [brightness(theme.PALETTE[word].light, eyes) for word in HEAT]
    by_night = [brightness(theme.PALETTE[word].dark, eyes) for word in HEAT]
    assert all(one - other >= 2.0 for one, other in itertools.pairwise(by_day))
    assert all(other - one >= 1.5 for one, other in itertools.pairwise(by_night))


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_there_is_a_tint_for_every_step_and_sort(mode):
    tints = [getattr(theme.PALETTE[word], mode) for word in (*HEAT, *SORTS)]
    assert len(set(tints)) == STEPS + KINDS


@pytest.mark.parametrize("eyes", EYES)
@pytest.mark.parametrize("mode", ["light", "dark"])
def test_what_most_pictures_are_made_of_is_told_apart_by_all_eyes(mode, eyes):
    kinds = ("conv", "norm", "activation", "attention", "view")
    edges = [seen(getattr(theme.PALETTE[theme.edge(kind)], mode), eyes) for kind in kinds]
    for one, other in itertools.combinations(edges, 2):
        assert sum((a - b) ** 2 for a, b in zip(one, other, strict=True)) ** 0.5 >= 0.05
