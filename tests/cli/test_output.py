"""Results for people and for machines, and progress for those who wait."""

import io
import json

import pytest

from graphlens.cli import output
from graphlens.cli.progress import Progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_numbers_stand_to_the_right_under_their_heads():
    assert output.table(("step", "n"), [("a", "10"), ("long", "2")]) == (
        "step   n\n"
        "a     10\n"
        "long   2"
    )  # fmt: skip


def test_words_stand_to_the_left():
    assert output.columns(("op", "does"), [("a", "one"), ("bc", "two")]) == (
        "op  does\n"
        "a   one\n"
        "bc  two"
    )  # fmt: skip


@pytest.mark.parametrize(
    ("value", "expected"),
    [(None, "?"), (0, "0 B"), (999, "999 B"), (1_000, "1.0 kB"), (113_800_000, "113.8 MB")],
)
def test_an_amount_has_a_decimal_prefix(value, expected):
    assert output.amount(value, "B") == expected


def test_json_on_stdout_takes_the_place_of_the_text(capsys):
    output.report("-", {"nodes": 3}, "3 nodes")
    assert json.loads(capsys.readouterr().out) == {"nodes": 3}


def test_json_in_a_file_comes_beside_the_text(tmp_path, capsys):
    path = tmp_path / "report.json"
    output.report(str(path), {"nodes": 3}, "3 nodes")
    assert json.loads(path.read_text()) == {"nodes": 3}
    assert capsys.readouterr().out == "3 nodes\n"


def test_progress_on_a_terminal_is_one_line_that_is_gone_at_the_end():
    stream = Terminal()
    with Progress(stream) as progress:
        progress.say("capturing")
        progress.say("drawing")
    assert "\n" not in stream.getvalue()
    assert stream.getvalue().endswith("drawing\r\x1b[2K")


def test_progress_in_a_pipe_is_silent():
    stream = io.StringIO()
    with Progress(stream) as progress:
        progress.say("capturing")
    assert stream.getvalue() == ""
