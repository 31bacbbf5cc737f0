"""Files are written whole or not at all, wherever they lie."""

import os
import stat
import threading

import numpy as np
import pytest

import graphlens
from graphlens import files
from graphlens.errors import GraphError, UsageError
from graphlens.ir import json_form, weights_file
from graphlens.ir.graph import Graph
from graphlens.ops.build import Builder
from graphlens.tensor import TensorType


def adding(value):
    """A graph that adds a weight of 4 kB."""
    graph = Graph(name="adding")
    make = Builder(graph)
    kind = TensorType("float32", (1000,))
    weight = make.param("w", kind)
    graph.weights["w"] = np.full(1000, value, np.float32)
    make.output([make.op("Add", make.input("x", kind), weight)], ["y"])
    return graph


def test_a_device_is_written_to_and_stays_a_device(tmp_path):
    null = tmp_path / "null.svg"
    os.mkfifo(null)
    read = []
    reader = threading.Thread(target=lambda: read.append(null.read_bytes()))
    reader.start()
    files.write(null, "content")
    reader.join(10)
    assert read == [b"content"]
    assert stat.S_ISFIFO(null.stat().st_mode)
    files.write(os.devnull, "content")
    assert stat.S_ISCHR(os.stat(os.devnull).st_mode)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="Linux has it")
def test_a_full_device_is_a_usage_error():
    with pytest.raises(UsageError, match="cannot write '/dev/full': No space left on device"):
        files.write("/dev/full", "content")
    assert stat.S_ISCHR(os.stat("/dev/full").st_mode)


def test_a_link_stays_and_its_file_is_written(tmp_path):
    (tmp_path / "link.txt").symlink_to(tmp_path / "file.txt")
    for content in ("first", "second"):
        files.write(tmp_path / "link.txt", content)
        assert (tmp_path / "link.txt").is_symlink()
        assert (tmp_path / "file.txt").read_text() == content


def test_a_name_that_just_fits_is_written_and_a_longer_one_refused(tmp_path):
    files.write(tmp_path / ("n" * 255), "content")
    with pytest.raises(UsageError, match="File name too long"):
        files.write(tmp_path / ("n" * 256), "content")
    assert [path.name for path in tmp_path.iterdir()] == ["n" * 255]


def test_half_a_character_in_a_name_is_drawn_and_saved_or_refused(tmp_path):
    graph = adding(1)
    graph.name = "\ud800half"
    for suffix in ("svg", "txt", "html"):
        graphlens.draw(graph, tmp_path / f"g.{suffix}")
        assert "half" in (tmp_path / f"g.{suffix}").read_text()
    pytest.importorskip("reportlab")
    graphlens.draw(graph, tmp_path / "g.pdf")
    assert b"half" in (tmp_path / "g.pdf").read_bytes()
    graphlens.save(graph, tmp_path / "g.json")
    assert graphlens.load(tmp_path / "g.json").name == graph.name
    with pytest.raises(GraphError, match="is no text in UTF-8"):
        graphlens.save(graph, tmp_path / "g.onnx")


@pytest.mark.parametrize("which", ["weights", "graph"])
def test_a_disk_that_fills_up_leaves_the_graph_that_was_saved(which, tmp_path, monkeypatch):
    path = tmp_path / "g.json"
    graphlens.save(adding(1), path)
    held = sorted(tmp_path.iterdir())

    def full(*_, **__):
        raise full.error

    if which == "weights":
        full.error = weights_file.SafetensorError("I/O error: No space left on device")
        monkeypatch.setattr(weights_file, "save_file", full)
    else:
        full.error = OSError(28, "No space left on device")
        monkeypatch.setattr(json_form, "_text", full)
    with pytest.raises(UsageError, match=r"cannot write .*No space left on device"):
        graphlens.save(adding(2), path)
    assert sorted(tmp_path.iterdir()) == held
    assert graphlens.load(path).weights["w"][0] == 1


def _interrupted(path):
    with files.atomic(path) as draft:
        draft.write_text("half")
        raise KeyboardInterrupt


def test_an_interruption_while_writing_leaves_what_was_there(tmp_path):
    path = tmp_path / "picture.svg"
    path.write_text("old")
    with pytest.raises(KeyboardInterrupt):
        _interrupted(path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
