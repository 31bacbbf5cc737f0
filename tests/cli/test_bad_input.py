"""Bad input: one clear message, an exit code, no traceback, no file left behind."""

import contextlib
import os
import subprocess
import sys
import zipfile

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from graphlens import registry
from graphlens.cli import main

# Loaded inside of a test, torch's handlers of logs keep that test's stderr, which is then closed.
with contextlib.suppress(ImportError):
    import torch  # noqa: F401


def chain(length, cyclic=False):
    """``length`` Sigmoids, the last one's result read by the first where it is cyclic."""
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [2])
    y = helper.make_tensor_value_info(f"t{length}", TensorProto.FLOAT, [2])
    nodes = [
        helper.make_node("Sigmoid", [f"t{n}"], [f"t{n + 1}"], f"step{n}") for n in range(length)
    ]
    if cyclic:
        nodes[0] = helper.make_node("Add", ["x", f"t{length}"], ["t1"], "step0")
    else:
        nodes[0].input[0] = "x"
    graph = helper.make_graph(nodes, "chain", [x], [y])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])


def run(*arguments, **options):
    """The command in a process of its own."""
    command = [sys.executable, "-m", "graphlens", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


@pytest.fixture
def model(tmp_path):
    path = tmp_path / "chain.onnx"
    onnx.save(chain(3), path)
    return str(path)


def files_of(folder):
    """Every file in a folder, but what Python keeps for itself."""
    return sorted(each for each in folder.rglob("*") if "__pycache__" not in each.parts)


@pytest.fixture
def fails(tmp_path, capsys):
    """A check that the command fails with one message, and leaves no new file."""

    def check(*arguments, code, saying):
        held = files_of(tmp_path)
        try:
            found = main([str(each) for each in arguments])
        except SystemExit as stop:
            found = stop.code
        told = capsys.readouterr()
        assert (found, told.out) == (code, "")
        assert "Traceback" not in told.err
        assert saying in told.err
        assert "a bug in graphlens" not in told.err
        assert files_of(tmp_path) == held

    return check


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out.svg"


@pytest.mark.parametrize(
    ("package", "model", "advice"),
    [
        ("torch", "code_of_a_model.py:model", "pip install 'graphlens[torch]'"),
        ("keras", "keras:ResNet50", "pip install 'graphlens[keras]'"),
        ("timm", "timm:resnet18", "pip install 'graphlens[models]'"),
    ],
)
def test_a_missing_framework_says_what_to_install(package, model, advice, tmp_path):
    # A package of that name that cannot be imported stands in the way of the real one.
    (tmp_path / f"{package}.py").write_text(f"raise ModuleNotFoundError(name={package!r})\n")
    code = "class Model:\n    pass\nModel.__module__ = 'torch.nn.modules.module'\n"
    code += "Model.__qualname__ = 'Module'\nmodel = Model()\n"
    (tmp_path / "code_of_a_model.py").write_text(code)
    env = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = run("draw", model, "-o", "out.svg", cwd=tmp_path, env=env)
    assert done.returncode == 9
    assert advice in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "out.svg").exists()


@pytest.mark.parametrize("name", ["a.onnx", "a.json", "a.pt2", "a.pt", "a.pb"])
def test_a_file_that_is_not_what_its_name_says(name, tmp_path, out, fails):
    (tmp_path / name).write_bytes(b"hello, world\n" * 10)
    fails("draw", tmp_path / name, "-o", out, code=3, saying="not what its name says")


@pytest.mark.parametrize("name", ["a.onnx", "a.json", "a.pt2", "a.pt", "a.pb"])
def test_an_empty_file(name, tmp_path, out, fails):
    (tmp_path / name).touch()
    fails("draw", tmp_path / name, "-o", out, code=3, saying="is empty")


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9, 0.99])
def test_a_truncated_onnx_file(share, tmp_path, out, fails):
    weights = numpy_helper.from_array(np.ones(400, np.float32), "w")
    made = chain(20)
    made.graph.initializer.append(weights)
    content = made.SerializeToString()
    path = tmp_path / "cut.onnx"
    path.write_bytes(content[: int(share * len(content))])
    fails("draw", path, "-o", out, code=3, saying="cut.onnx")


def test_a_truncated_saved_graph(model, tmp_path, out, fails, capsys):
    saved = tmp_path / "graph.json"
    assert main(["capture", model, "-o", str(saved)]) == 0
    capsys.readouterr()
    saved.write_bytes(saved.read_bytes()[:-20])
    fails("draw", saved, "-o", out, code=3, saying="graph.json")


def test_json_of_something_else(tmp_path, out, fails):
    path = tmp_path / "other.json"
    path.write_text('{"name": "package", "version": 1}')
    fails("draw", path, "-o", out, code=3, saying="other.json")


def test_a_pickle_is_not_read_without_trust(tmp_path, out, fails):
    path = tmp_path / "model.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("model/data.pkl", b"cos\nsystem\n(S'touch pwned'\ntR.")
    fails("draw", path, "-o", out, code=2, saying="--trust")


def test_a_harmful_torchscript_file_is_read_and_not_run(tmp_path, out, fails):
    path = tmp_path / "model.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("model/constants.pkl", b").")
        archive.writestr("model/data.pkl", b"cos\nsystem\n(S'touch pwned'\ntR.")
        archive.writestr("model/code/__torch__.py", b"x")
    fails("draw", path, "-o", out, code=3, saying="calls os.system")


def test_a_model_that_its_own_code_cannot_make(tmp_path, out, fails):
    path = tmp_path / "code_that_raises.py"
    path.write_text("def model():\n    raise ValueError('no such layer')\n")
    fails("draw", f"{path}:model", "-o", out, code=4, saying="no such layer")


def test_something_that_is_no_model(tmp_path, out, fails):
    path = tmp_path / "code_of_a_list.py"
    path.write_text("def model():\n    return [1, 2]\n")
    fails("draw", f"{path}:model", "-o", out, code=4, saying="cannot tell what captures a list")


@pytest.fixture
def torch_code(tmp_path):
    """A module whose computation depends on a value, and one that needs four columns."""
    pytest.importorskip("torch")
    path = tmp_path / "code_of_torch.py"
    path.write_text(
        "import torch\n"
        "class Branch(torch.nn.Module):\n"
        "    def forward(self, x):\n"
        "        return x + 1 if x.sum() > 0 else x - 1\n"
        "branch = Branch()\n"
        "four = torch.nn.Linear(4, 2)\n"
    )
    return path


@pytest.mark.parametrize("via", ["torch.fx", "torch.export"])
def test_a_model_that_cannot_be_traced(via, torch_code, out, fails):
    arguments = (f"{torch_code}:branch", "-o", out, "--via", via, "--input", "2x3")
    fails("draw", *arguments, code=4, saying="depends on a tensor's value")


def test_an_input_of_the_wrong_shape_for_a_torch_model(torch_code, out, fails):
    arguments = (f"{torch_code}:four", "-o", out, "--input", "2x3")
    fails("draw", *arguments, code=4, saying="cannot capture Linear")


def test_a_front_end_that_is_given_another_s_model(model, out, fails):
    fails("draw", model, "-o", out, "--via", "torch.fx", code=4, saying="torch.fx captures")


def test_an_unknown_front_end(model, out, fails):
    fails("draw", model, "-o", out, "--via", "torch.fy", code=2, saying="torch.fy")


@pytest.mark.parametrize("option", ["kwargs", "model", "trust"])
def test_an_option_that_the_command_has_itself(option, model, out, fails):
    fails("draw", model, "-o", out, "--via", f"onnx{{{option}=1}}", code=2, saying=repr(option))


def test_a_model_that_is_an_empty_text(out, fails):
    fails("draw", "", "-o", out, code=2, saying="no model ''")


def test_a_pipe_in_place_of_a_file(tmp_path, out, fails):
    os.mkfifo(tmp_path / "pipe.onnx")
    fails("draw", tmp_path / "pipe.onnx", "-o", out, code=2, saying="is a pipe or a device")


def test_passes_that_are_an_empty_text(model, fails):
    fails("optimize", model, "--passes", "", code=2, saying="no pass is named")


def test_an_input_by_a_name_that_the_file_does_not_have(model, out, fails):
    fails("draw", model, "-o", out, "--input", "z=2", code=4, saying="1 inputs ['x'], given 'z'")


def test_an_input_that_does_not_fit_into_the_memory(torch_code, out, fails):
    arguments = (f"{torch_code}:four", "-o", out, "--input", "1000000000x4")
    fails("draw", *arguments, code=4, saying="takes 16,000,000,000 bytes")


def test_an_unknown_pass(model, fails):
    fails("optimize", model, "--passes", "fuze", code=2, saying="unknown pass 'fuze'")


def test_an_unknown_option_of_a_pass(model, fails):
    fails("optimize", model, "--passes", "layout{too=NCHW}", code=2, saying="'too'")


def test_a_pass_that_changes_the_function(model, tmp_path, out, fails, monkeypatch):
    (tmp_path / "pass_that_lies.py").write_text(
        "def halve_the_chain(graph):\n"
        "    after = graph.copy()\n"
        "    name = next(name for name in graph if graph.op(name) == 'Sigmoid')\n"
        "    after.update_node(name, op='Relu')\n"
        "    return after\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    plugged = (("lie", "pass_that_lies:halve_the_chain"),)
    monkeypatch.setattr(
        registry, "_plugged", lambda group: plugged if group == registry.PASSES.group else ()
    )
    arguments = ("--passes", "lie", "-o", out, "--save", tmp_path / "out.onnx")
    fails("optimize", model, *arguments, code=6, saying="'halve_the_chain' changed what the graph")


def test_an_option_of_a_pass_that_does_not_fit(model, fails):
    fails("optimize", model, "--passes", "layout{to=NHCW}", code=2, saying="NHCW")


def test_an_unknown_option(model, out, fails):
    fails("draw", model, "-o", out, "--dept", "1", "--frobnicate", code=2, saying="--frobnicate")


def test_an_input_of_the_wrong_shape_for_an_onnx_model(model, out, fails):
    fails("draw", model, "-o", out, "--input", "1x3x7", code=4, saying="x")


def test_a_scope_that_is_not_there(model, out, fails):
    fails("draw", model, "-o", out, "--expand", "layer9", code=2, saying="no scope 'layer9'")


def test_a_depth_below_nothing(model, out, fails):
    fails("draw", model, "-o", out, "--depth", "-3", code=2, saying="found -3")


def test_a_picture_of_an_unknown_format(model, tmp_path, fails):
    fails("draw", model, "-o", tmp_path / "out.bmp", code=2, saying=".bmp")


def test_a_graph_in_an_unknown_format(model, tmp_path, fails):
    fails("capture", model, "-o", tmp_path / "out.xml", code=2, saying=".xml")


def test_a_folder_that_is_not_there(model, tmp_path, fails):
    fails("draw", model, "-o", tmp_path / "no" / "out.svg", code=2, saying="no folder")


def test_an_output_that_is_a_folder(model, tmp_path, fails):
    fails("draw", model, "-o", tmp_path, code=2, saying="is a folder")


def test_a_name_that_is_too_long(model, tmp_path, fails):
    long = tmp_path / f"{'n' * 300}.svg"
    fails("draw", model, "-o", long, code=2, saying="File name too long")


@pytest.mark.parametrize(
    "arguments",
    [
        ("draw", "-o", "x.bmp"),
        ("draw", "-o", "-"),
        ("diff", "chain.onnx", "-o", "x.bmp"),
        ("memory", "-o", "x"),
        ("optimize", "-o", "x.bmp"),
        ("optimize", "--save", "x.xml"),
        ("capture", "-o", "x.svg"),
        ("draw", "-o", "x.html", "--flat"),
    ],
)
def test_an_output_that_nothing_writes_is_told_before_the_work(arguments, fails):
    command, *rest = arguments
    fails(command, "not_even_looked_for.onnx", *rest, code=2, saying=rest[-1])


def test_a_folder_that_takes_no_files(model, fails):
    fails("draw", model, "-o", "/proc/out.svg", code=2, saying="cannot write '/proc/out.svg'")


def test_a_cyclic_graph(tmp_path, out, fails):
    path = tmp_path / "cyclic.onnx"
    onnx.save(chain(4, cyclic=True), path)
    fails("draw", path, "-o", out, code=3, saying="cycle")


def broken(folder, name, text):
    """A program of that name that fails, first on the PATH; and nothing else that is called so."""
    program = folder / name
    program.parent.mkdir()
    program.write_text(text)
    program.chmod(0o755)
    return {**os.environ, "PATH": f"{program.parent}:{os.environ['PATH']}"}


def test_a_picture_needs_no_program_and_no_library_of_graphviz(model, tmp_path, out):
    path = broken(tmp_path, "bin/dot", "#!/bin/sh\necho out of paper >&2\nexit 3\n")
    broken(tmp_path, "without/pygraphviz.py", "raise ImportError('no pygraphviz here')\n")
    done = run("draw", model, "-o", str(out), env={**path, "PYTHONPATH": str(tmp_path / "without")})
    assert (done.returncode, done.stderr) == (0, "")
    assert "<svg" in out.read_text()


def test_a_chain_of_a_hundred_thousand_nodes_neither_overflows_nor_hangs(tmp_path, capsys):
    path = tmp_path / "long.onnx"
    onnx.save(chain(100_000), path)
    assert main(["optimize", str(path), "--no-prove", "--passes", "eliminate", "--json"]) == 0
    assert '"nodes": 1000' in capsys.readouterr().out


def _ended(redirected):
    """Exit code and stderr of ``graphlens --version`` with its streams so."""
    command = f'"{sys.executable}" -m graphlens {redirected}'
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)
    return done.returncode, done.stderr


@pytest.mark.parametrize(
    ("redirected", "code", "said"),
    [
        ("--version >/dev/full", 2, "graphlens: cannot write to stdout: No space left on device\n"),
        ("ops >/dev/full", 2, "graphlens: cannot write to stdout: No space left on device\n"),
        ("--version >&-", 0, ""),
        ("draw none.onnx -o x.svg 2>/dev/full", 2, ""),
        ("draw none.onnx -o x.svg 2>&-", 2, ""),
    ],
)
def test_streams_that_are_full_or_closed(redirected, code, said):
    assert _ended(redirected) == (code, said)
