"""Inputs as one writes them on the command line."""

import pytest

from graphlens.cli import inputs
from graphlens.errors import UsageError
from graphlens.tensor import TensorType


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1x3x224x224:float32", TensorType("float32", (1, 3, 224, 224))),
        ("1x128:int64", TensorType("int64", (1, 128))),
        ("2x3", TensorType("float32", (2, 3))),
        ("1,3,8,8", TensorType("float32", (1, 3, 8, 8))),
        ("Nx128:int64", TensorType("int64", ("N", 128))),
        ("():bool", TensorType("bool", ())),
        ("5", TensorType("float32", (5,))),
    ],
)
def test_a_shape_and_dtype_are_read(text, expected):
    assert inputs.parse([text]) == ((expected,), {})


def test_an_input_with_a_name_is_a_keyword():
    by_place, by_name = inputs.parse(["1x3", "mask=1x3:bool"])
    assert by_place == (TensorType("float32", (1, 3)),)
    assert by_name == {"mask": TensorType("bool", (1, 3))}


@pytest.mark.parametrize(
    "text", ["1x3:float32:x", "1x-3", "1xx3", "a=b=1x3", "1x3.5", "(1,3", "\uff11x3"]
)
def test_a_text_of_another_form_is_refused(text):
    with pytest.raises(UsageError, match=r"cannot read --input .*expected \[NAME=\]SHAPE"):
        inputs.parse([text])


def test_an_unknown_dtype_is_refused():
    with pytest.raises(UsageError, match="unknown dtype 'float31'"):
        inputs.parse(["1x3:float31"])


def test_a_name_may_be_any_that_files_have():
    _, by_name = inputs.parse(["input.1=1x3", "scope/x:0=2x3:int64"])
    assert by_name == {
        "input.1": TensorType("float32", (1, 3)),
        "scope/x:0": TensorType("int64", (2, 3)),
    }


def test_a_name_that_is_given_twice_is_refused():
    with pytest.raises(UsageError, match="'x' is given twice"):
        inputs.parse(["x=1x3", "x=1x4"])
