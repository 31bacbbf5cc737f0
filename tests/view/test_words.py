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
    [(None, "?"), (0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (13_421_773, "12.8 MiB")],
)
def test_sizes_are_binary(number, said):
    assert words.size(number) == said


def test_shapes_of_unknown_rank_say_so():
    assert words.dims(None) == "?"
    assert words.dims(()) == "scalar"
    assert words.dims(("N", "2*N", 3)) == "N×2*N×3"
