"""``graphlens sweep``: what is asked, where it goes, and how it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from graphlens.cli import main

pytest.importorskip("psutil")
pytest.importorskip("tqdm")


@pytest.fixture
def models(tmp_path, monkeypatch):
    """Two ONNX files and one that is broken, in the folder that the command runs in."""
    monkeypatch.chdir(tmp_path)
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        for name, shape in (("x", [2, 4]), ("y", [2, 3]))
    ]
    weight = numpy_helper.from_array(np.ones((4, 3), np.float32), "W")
    node = helper.make_node("MatMul", ["x", "W"], ["y"])
    graph = helper.make_graph([node], "line", ends[:1], ends[1:], [weight])
    for name in ("a.onnx", "b.onnx"):
        onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)]), name)
    (tmp_path / "broken.onnx").write_bytes(b"not a model")
    return tmp_path


def test_one_table_in_three_forms(models, capsys):
    outputs = [part for name in ("t.jsonl", "t.md", "t.html") for part in ("-o", name)]
    assert main(["sweep", "a.onnx", "broken.onnx", *outputs]) == 0
    rows = [json.loads(line) for line in (models / "t.jsonl").read_text().splitlines()]
    assert [row["status"] for row in rows] == ["equal", "not built"]
    assert rows[0]["optimize"]["status"] == "proven"
    assert rows[0]["plan"]["arena_bytes"] == 56
    assert rows[0]["draw"]["bytes"] > 0
    assert "broken.onnx" in (models / "t.md").read_text()
    assert "</table>" in (models / "t.html").read_text()
    printed = capsys.readouterr().out
    assert printed.startswith("2 models, 1 that run here; captured with equal output 1 of 1")


def test_json_for_machines_and_only_some_models(models, capsys):
    arguments = ["--only", "*b.onnx", "--stages", "capture", "--no-bare", "--json", "-"]
    assert main(["sweep", "a.onnx", "b.onnx", *arguments]) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert [(row["model"], row["status"]) for row in rows] == [("b.onnx", "captured")]


def test_a_pattern_that_no_model_fits_is_told(models, capsys):
    assert main(["sweep", "a.onnx", "b.onnx", "--only", "^b$", "-o", "t.jsonl"]) == 2
    assert "no model of a.onnx, b.onnx fits '^b$'" in capsys.readouterr().err
    assert not (models / "t.jsonl").exists()


def test_interrupted_it_leaves_a_table_that_is_taken_up_again(models, capsys):
    (models / "late.py").write_text("import time\n\ndef slow():\n    time.sleep(1000)\n")
    command = [
        sys.executable,
        "-m",
        "graphlens",
        "sweep",
        "a.onnx",
        "late.py:slow",
        "-o",
        "t.jsonl",
    ]
    # where the tests run in the background of a shell, SIGINT is ignored, and children inherit that
    running = subprocess.Popen(
        command,
        stderr=subprocess.PIPE,
        env={**os.environ},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    until = time.monotonic() + 120
    while not _lines(models / "t.jsonl") and time.monotonic() < until:
        time.sleep(0.1)
    running.send_signal(signal.SIGINT)
    try:
        _, said = running.communicate(timeout=60)
    finally:
        running.kill()
    assert running.returncode == 130, said
    assert [json.loads(line)["model"] for line in _lines(models / "t.jsonl")] == ["a.onnx"]
    before = (models / "t.jsonl").read_text()
    assert main(["sweep", "a.onnx", "-o", "t.jsonl"]) == 0
    assert (models / "t.jsonl").read_text() == before


def _lines(path):
    return path.read_text().splitlines() if path.exists() else []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "no models: give sets"),
        (["a.onnx", "a.onnx"], "two models are called 'file:a.onnx'"),
        (["a.onnx", "--stages", "fly"], "unknown stage 'fly'"),
        (["a.onnx", "-o", "t.csv"], "unknown format of a table '.csv'"),
        (["a.onnx", "-o", "t.jsonl", "-o", "u.jsonl"], "one .jsonl file can grow"),
        (["a.onnx", "--time", "0"], "both must be above 0"),
    ],
)
def test_what_cannot_be_done_is_said_before_anything_is(models, capsys, arguments, message):
    assert main(["sweep", *arguments]) == 2
    assert message in capsys.readouterr().err
    assert not list(models.glob("t.*"))


@pytest.mark.parametrize("arguments", [["--memory", "lots"], ["--jobs", "0"]])
def test_limits_that_are_none_are_refused(models, capsys, arguments):
    with pytest.raises(SystemExit):
        main(["sweep", "a.onnx", *arguments])
    assert "is no" in capsys.readouterr().err


def test_the_sets_are_listed(capsys):
    assert main(["sweep", "--list"]) == 0
    listed = capsys.readouterr().out
    for name in ("torchvision", "timm", "transformers", "keras", "keras-layers-torch"):
        assert f"\n{name} " in listed
