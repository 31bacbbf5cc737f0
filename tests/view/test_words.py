import pytest

from graphlens.view import words


@pytest.mark.parametrize(
    ("number", "said"),
    [(0, "0"), (999, "999"), (1000, "1k"), (9408, "9.41k"), (25_557_032, "25.6M"), (999_999, "1M"),
     (7 * 10**10, "70.0G")],
)  # fmt: skip
def test_counts_have_three_digits(number, said):
    assert words.count(number) == said


@pytest.mark.parametrize(
    ("number", "said"),
    [(None, "?"), (0, "0 B"), (999, "999 B"), (1500, "1.5 kB"), (12_800_000, "12.8 MB")],
)
def test_sizes_are_decimal_as_in_the_reports(number, said):
    assert words.size(number) == said


def test_shapes_of_unknown_rank_say_so():
    assert words.dims(None) == "?"
    assert words.dims(()) == "scalar"
    assert words.dims(("N", "2*N", 3)) == "N×2*N×3"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("64", "128", "64 → 128"),
        ("400 → 1000", "440 → 1000", "440 → 1000 for 400 → 1000"),
        ("→ 1×400", "→ 1×440", "→ 1×440 for 1×400"),
    ],
)
def test_what_has_arrows_of_its_own_is_told_apart_without_another(old, new, said):
    assert words.became(old, new) == said
