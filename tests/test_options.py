"""Names with options, as one writes them in a shell."""

import pytest

from graphlens import options
from graphlens.errors import UsageError


def shift(graph, *, by=1, to="left"):
    return graph, by, to


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("fuse", [("fuse", {})]),
        ("eliminate,fuse", [("eliminate", {}), ("fuse", {})]),
        ("layout{to=NCHW}", [("layout", {"to": "NCHW"})]),
        ("a{size=3,rate=0.5,on=True}, b", [("a", {"size": 3, "rate": 0.5, "on": True}), ("b", {})]),
        ("vit_tiny{img_size=64}", [("vit_tiny", {"img_size": 64})]),
        ("a{size=(8,8,3),to=x}", [("a", {"size": (8, 8, 3), "to": "x"})]),
        ("a{sizes=[1, 2]}", [("a", {"sizes": [1, 2]})]),
        ("a{}", [("a", {})]),
        ("", []),
    ],
)
def test_names_and_their_options_are_read(text, expected):
    assert options.parse(text) == expected


@pytest.mark.parametrize(
    "text", ["fuse{", "fuse}", "fuse{a}", "fuse{=1}", "a,,b", "a{b{c=1}}", "a{b=(1,c=2}"]
)
def test_a_text_of_another_form_is_refused(text):
    with pytest.raises(UsageError, match="cannot read"):
        options.parse(text)


def test_options_are_bound_under_the_function_s_own_name():
    bound = options.bind("pass", "shift", shift, {"by": 2})
    assert bound("graph") == ("graph", 2, "left")
    assert bound.__name__ == "shift"


def test_an_unknown_option_lists_those_that_are_known():
    with pytest.raises(UsageError, match=r"option of pass 'shift'.*'far'.*\['by', 'to'\]"):
        options.bind("pass", "shift", shift, {"far": 2})


def test_a_function_without_options_says_so():
    with pytest.raises(UsageError, match="pass 'len' takes no options, found 'far'"):
        options.bind("pass", "len", len, {"far": 2})


def test_an_option_that_is_given_twice_is_refused():
    with pytest.raises(UsageError, match="'to' is given twice"):
        options.parse("layout{to=NCHW,to=NHWC}")
