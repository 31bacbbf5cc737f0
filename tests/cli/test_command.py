"""The command: what each subcommand leaves behind, and the exit codes."""

import json
import os
import subprocess
import sys

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import graphlens
from graphlens.cli import command, main
from graphlens.errors import GraphlensError


def small_model(activation="Relu"):
    """``activation(x @ w + b)``, saved by somebody else's program."""
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [2, 3])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [2, 4])
    weights = [
        numpy_helper.from_array(np.arange(12, dtype=np.float32).reshape(3, 4), "w"),
        numpy_helper.from_array(np.ones(4, np.float32), "b"),
    ]
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["m"], "product"),
        helper.make_node("Add", ["m", "b"], ["a"], "sum"),
        helper.make_node("Identity", ["a"], ["i"], "nothing"),
        helper.make_node(activation, ["i"], ["y"], "end"),
    ]
    graph = helper.make_graph(nodes, "small", [x], [y], weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])


@pytest.fixture
def model(tmp_path):
    path = tmp_path / "small.onnx"
    onnx.save(small_model(), path)
    return str(path)


@pytest.fixture
def other(tmp_path):
    path = tmp_path / "other.onnx"
    onnx.save(small_model("Sigmoid"), path)
    return str(path)


def run(*arguments, **options):
    """The command in a process of its own."""
    command = [sys.executable, "-m", "graphlens", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


def test_draw_leaves_a_picture(model, tmp_path, capsys):
    assert main(["draw", model, "-o", str(tmp_path / "out.svg")]) == 0
    assert "<svg" in (tmp_path / "out.svg").read_text()
    assert "nodes" in capsys.readouterr().out


def test_draw_can_run_passes_first(model, tmp_path):
    plain, less = tmp_path / "plain.txt", tmp_path / "less.txt"
    assert main(["draw", model, "-o", str(plain)]) == 0
    assert main(["draw", model, "-o", str(less), "--passes", "eliminate"]) == 0
    assert "Identity" in plain.read_text()
    assert "Identity" not in less.read_text()


def test_optimize_prints_a_table_and_leaves_picture_model_and_report(model, tmp_path, capsys):
    picture, saved, report = (str(tmp_path / name) for name in ("a.svg", "a.onnx", "a.json"))
    code = main(["optimize", model, "-o", picture, "--save", saved, "--json", report])
    assert code == 0
    assert "fuse" in capsys.readouterr().out
    assert "<svg" in (tmp_path / "a.svg").read_text()
    steps = json.loads((tmp_path / "a.json").read_text())["steps"]
    assert [step["step"] for step in steps][-1] == "reuse_buffers"
    assert {step["status"] for step in steps} <= {"proven", "unchanged"}
    assert graphlens.equivalent(graphlens.load(saved), graphlens.load(model))


def test_optimize_runs_the_passes_that_are_named(model, capsys):
    assert main(["optimize", model, "--passes", "eliminate,fuse", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [step["step"] for step in found["steps"]] == ["eliminate", "fuse"]


def test_optimize_without_proofs_says_so(model, capsys):
    assert main(["optimize", model, "--passes", "eliminate", "--no-prove", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["steps"][0]["status"] == "unproven"


def test_memory_leaves_a_map_and_prints_bytes(model, tmp_path, capsys):
    assert main(["memory", model, "-o", str(tmp_path / "memory.svg"), "--json", "-"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["peak_live_bytes"] <= found["arena_bytes"] <= found["total_bytes"]
    assert "<svg" in (tmp_path / "memory.svg").read_text()


def test_diff_of_a_model_with_itself_finds_one_graph(model, capsys):
    assert main(["diff", model, model]) == 0
    assert "one graph in canonical form" in capsys.readouterr().out


def test_two_models_of_one_class_are_called_as_the_command_calls_them(model, other, tmp_path):
    picture = tmp_path / "diff.txt"
    assert main(["diff", model, other, "-o", str(picture)]) == 0
    assert picture.read_text().splitlines()[0] == "small.onnx → other.onnx"


def test_diff_names_what_differs_and_draws_it(model, other, tmp_path, capsys):
    assert main(["diff", model, other, "-o", str(tmp_path / "diff.svg"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["equivalent"] is False
    assert "<svg" in (tmp_path / "diff.svg").read_text()


def test_capture_saves_a_graph_that_every_subcommand_reads(model, tmp_path):
    saved = str(tmp_path / "graph.json")
    assert main(["capture", model, "-o", saved]) == 0
    assert graphlens.equivalent(graphlens.load(saved), graphlens.load(model))
    assert main(["draw", saved, "-o", str(tmp_path / "again.svg")]) == 0


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("frontends", "torch.export"), ("passes", "fold_batch_norm"), ("ops", "LayerNormalization")],
)
def test_list_prints_what_there_is(kind, expected, capsys):
    assert main(["list", kind]) == 0
    assert expected in capsys.readouterr().out


def test_list_is_json_for_machines(capsys):
    assert main(["list", "passes", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["passes"]
    assert {"pass": "fuse", "default": "6"}.items() <= found[5].items()


def test_the_help_documents_the_exit_code_of_every_error():
    def tree(kind):
        return {kind.exit_code}.union(*(tree(each) for each in kind.__subclasses__()))

    documented = {
        int(line.split()[0])
        for line in command.EXIT_CODES.splitlines()
        if line[:4].strip().isdigit()
    }
    assert tree(GraphlensError) - {1} <= documented


def test_the_version_is_printed(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("graphlens 0.")


def test_without_a_subcommand_the_help_goes_to_stderr(capsys):
    assert main([]) == 2
    assert "usage: graphlens" in capsys.readouterr().err


def test_an_error_is_one_line_without_a_traceback(tmp_path):
    done = run("draw", "no_such.onnx", "-o", str(tmp_path / "x.svg"))
    assert done.returncode == 2
    assert done.stderr == "graphlens: no such file: 'no_such.onnx'\n"


@pytest.mark.parametrize("place", [["--debug", "draw"], ["draw", "--debug"]])
def test_debug_shows_where_an_error_came_from(place, tmp_path):
    done = run(*place, "no_such.onnx", "-o", str(tmp_path / "x.svg"))
    assert done.returncode == 2
    assert "Traceback" in done.stderr


def test_a_bug_is_one_line_too(monkeypatch, capsys):
    def broken(_):
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr(command.listing, "call", broken)
    assert main(["list", "ops"]) == command.BUG
    assert capsys.readouterr().err.startswith("graphlens: a bug in graphlens: ZeroDivisionError")


def test_an_interrupt_is_not_a_traceback(monkeypatch, capsys):
    def interrupted(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(command.listing, "call", interrupted)
    assert main(["list", "ops"]) == 130
    assert capsys.readouterr().err == "graphlens: interrupted\n"


def test_a_reader_that_goes_away_is_not_a_traceback():
    command = [sys.executable, "-m", "graphlens", "list", "ops"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, text=True, **pipes) as process:
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 141


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_completion_script_is_printed(shell, capsys):
    pytest.importorskip("argcomplete")
    assert main(["completion", shell]) == 0
    assert "graphlens" in capsys.readouterr().out


def test_the_shell_completes_subcommands(tmp_path):
    pytest.importorskip("argcomplete")
    answers = tmp_path / "answers"
    asked = {"_ARGCOMPLETE": "1", "COMP_LINE": "graphlens opt", "COMP_POINT": "13"}
    told = {"_ARGCOMPLETE_STDOUT_FILENAME": str(answers), "_ARGCOMPLETE_IFS": "\n"}
    run(env={**os.environ, **asked, **told})
    assert answers.read_text().strip() == "optimize"
