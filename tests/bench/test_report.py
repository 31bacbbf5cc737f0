"""The benchmark goes on where one of its jobs fails, and says why."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import models
import report

FOUND = {
    "type": 8.0, "aspect": 1.4, "boxes": 5, "crossings": 0, "over_boxes": 0, "overlaps": 0,
    "over_lines": 0, "over_frames": 0, "cut": 0, "bytes": 900, "drawing": 0.1, "seconds": 2.0,
}  # fmt: skip


@pytest.fixture
def jobs(monkeypatch):
    """Every job gives the same numbers but torchview's, which fail."""

    def run(job, folder, argument, limit=None):
        if "torchview" in job:
            raise report.JobFailedError("dot is missing")
        return FOUND

    monkeypatch.setattr(report, "_run", run)


@pytest.mark.parametrize(
    ("job", "reason"),
    [
        ("no_such_job", "KeyError: 'no_such_job'"),
        ("growth", "ValueError: invalid literal for int() with base 10: 'a/b'"),
    ],
)
def test_reason_is_the_last_line_that_a_job_said(job, reason, tmp_path):
    with pytest.raises(report.JobFailedError) as raised:
        report._run(job, tmp_path, "a|b")
    assert str(raised.value) == reason


def test_job_over_its_limit_is_stopped(tmp_path):
    with pytest.raises(report.JobFailedError, match=r"^stopped after 0\.01 s$"):
        report._run("growth", tmp_path, "1000", 0.01)


def test_row_of_a_picture_has_the_reason_and_the_others_their_numbers(jobs, tmp_path):
    rows = list(report._pictures(tmp_path))
    assert len(rows) == 3 * len(models.MODELS)
    assert [row for row in rows if "torchview" in row] == [
        f"| {name}, torchview | dot is missing |{'  |' * 10}" for name in models.MODELS
    ]
    assert {row.count("|") for row in rows} == {report._HEADS.count("|")}


def test_row_of_two_tools_keeps_the_one_that_works(jobs, tmp_path):
    row = report._row("drawn", tmp_path, "picture_by_graphlens", "picture_by_torchview", "")
    assert row == "| drawn | 2.00 s | dot is missing |  |"
