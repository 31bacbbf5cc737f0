"""The pictures that the commands draw, by their options."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from graphlens.cli import main


@pytest.fixture(scope="module", name="model")
def model_file(tmp_path_factory):
    """Two products with an activation each, in a file."""
    weight = numpy_helper.from_array(np.eye(4, dtype=np.float32), "w")
    steps = (("MatMul", ["x", "w"], "a"), ("Relu", ["a"], "b"), ("Identity", ["b"], "c"))
    steps += (("MatMul", ["c", "w"], "d"), ("Relu", ["d"], "y"))
    nodes = [helper.make_node(op, reads, [made], made) for op, reads, made in steps]
    ends = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [2, 4]) for n in ("x", "y")]
    graph = helper.make_graph(nodes, "two", ends[:1], ends[1:], [weight])
    path = tmp_path_factory.mktemp("model") / "two.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)]), path)
    return str(path)


def test_a_film_strip_has_a_pane_for_each_pass(model, tmp_path):
    out = tmp_path / "strip.svg"
    assert main(["optimize", model, "-o", str(out), "--strip"]) == 0
    assert ">CAPTURED</text>" in out.read_text()
    assert ">FUSE</text>" in out.read_text()


def test_each_pass_that_changed_something_has_a_picture_of_its_own(model, tmp_path):
    out = tmp_path / "all.svg"
    assert main(["optimize", model, "-o", str(out), "--each", "--no-prove"]) == 0
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names[0].startswith("all.1-")
    assert "all.svg" in names
    assert any(name.endswith("-fuse.svg") for name in names)


def test_threads_tie_a_group_to_its_members(model, tmp_path):
    out = tmp_path / "threads.svg"
    assert main(["optimize", model, "-o", str(out), "--threads", "--flat", "--no-prove"]) == 0
    svg = out.read_text()
    assert svg.count('class="thread"') == 2
    assert svg.rindex('class="thread"') < svg.index('class="box ')  # under boxes and words


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--color-by", "flops"], "FLOPs of each box"),
        (["--color-by", "dtype"], "dtype:"),
        (["--profile"], "time of each box"),
        (["--shapes", "all"], " → "),
    ],
)
def test_a_drawing_says_what_is_asked_for(model, tmp_path, options, said):
    out = tmp_path / "measure.svg"
    assert main(["draw", model, "-o", str(out), *options]) == 0
    assert said in out.read_text()


@pytest.mark.parametrize("verb", ["draw", "optimize", "diff", "view"])
def test_pictures_are_coloured_by_a_file_of_ones_own(model, tmp_path, verb):
    numbers = tmp_path / "sensitivity.json"
    numbers.write_text('{"a": 1.5, "d": -2}')
    out = tmp_path / ("page.html" if verb == "view" else "own.svg")
    models = [model] * (1 + (verb == "diff"))
    assert main([verb, *models, "-o", str(out), "--color-by", str(numbers)]) == 0
    assert "sensitivity" in out.read_text()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "is not JSON"),
        ('{"missing": 1}', "no operation is called 'missing'"),
        ('{"a": NaN}', "expected a finite number for 'a'"),
        (None, "there is no such file"),
    ],
)
def test_a_file_that_fits_no_graph_is_refused_in_words(model, tmp_path, capsys, text, said):
    numbers = tmp_path / "own.json"
    if text is not None:
        numbers.write_text(text)
    arguments = ["draw", model, "-o", str(tmp_path / "own.svg"), "--color-by", str(numbers)]
    try:
        code = main(arguments)
    except SystemExit as exit:  # argparse ends so what it refuses itself
        code = exit.code
    assert code == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "own.svg").exists()


@pytest.mark.parametrize("verb", [["optimize", "--no-prove"], ["diff"]])
def test_before_and_after_and_a_difference_are_coloured_too(model, tmp_path, verb):
    out = tmp_path / "measure.svg"
    models = [model] * (1 + (verb == ["diff"]))
    assert main([*verb, *models, "-o", str(out), "--color-by", "params"]) == 0
    assert "parameters of each box" in out.read_text()


def test_the_difference_of_two_models_is_folded_as_asked_for(model, tmp_path):
    out = tmp_path / "diff.svg"
    assert main(["diff", model, model, "-o", str(out), "--flat"]) == 0
    assert out.read_text().count('class="box op"') == 5
    assert "no difference" in out.read_text()
