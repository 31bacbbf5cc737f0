import logging
import stat

import picture_graphs
import pytest

from graphlens import render, view
from graphlens.errors import RenderError
from graphlens.render import engine

SOURCE = "digraph g { n0 -> n1 }"


@pytest.fixture(name="fake_dot")
def fake_dot_on_the_path(tmp_path, monkeypatch):
    """Puts a program called dot on the PATH that runs the script given."""

    def put(script):
        program = tmp_path / "dot"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    return put


@pytest.fixture(name="no_dot")
def no_dot_on_the_path(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))


def test_the_libraries_of_pygraphviz_draw_where_there_is_no_dot(no_dot, caplog):
    found = engine.lay_out([SOURCE, SOURCE])
    assert [len(layout["objects"]) for layout in found] == [2, 2]
    assert not caplog.records


def test_both_engines_draw_the_same_boxes(no_dot):
    svg = render.svg(view.graph(picture_graphs.residual_net(blocks=3, stages=2)))
    assert svg.count("<text") > 20


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("exit 3", "failed with exit code 3"),
        ("echo broken >&2; exit 1", "broken"),
        ("echo not json", "not JSON"),
        ("echo '{'", "not JSON"),
        ("true", "it said nothing"),
        ("kill -SEGV $$", "failed with exit code"),
    ],
)
def test_a_dot_that_fails_is_replaced_and_said_so(fake_dot, caplog, script, said):
    fake_dot(script)
    with caplog.at_level(logging.WARNING):
        assert len(engine.lay_out([SOURCE])) == 1
    assert said in caplog.text
    assert "pygraphviz" in caplog.text


def test_a_dot_that_hangs_is_stopped(fake_dot, caplog):
    fake_dot("sleep 20")
    with caplog.at_level(logging.WARNING):
        assert len(engine.lay_out([SOURCE], limit=2.0)) == 1
    assert "stopped after 2 s" in caplog.text


def test_the_error_names_every_engine_and_what_to_do(fake_dot, monkeypatch, tmp_path):
    fake_dot("exit 1")
    broken = tmp_path / "child.py"
    broken.write_text("raise SystemExit('no libraries')")
    monkeypatch.setattr(engine, "_CHILD", broken)
    with pytest.raises(RenderError, match=r"dot failed.*pygraphviz failed.*no libraries.*Install"):
        engine.lay_out([SOURCE])
