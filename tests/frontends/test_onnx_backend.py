"""ONNX's own backend cases through load, Graph and run: an oracle that we did not write.

The 1,884 of single nodes take a minute and a half, so a fifth of those that are made quickly run by
default and all of them under `make zoo`; the 149 files of small models, most of opset 6, always do.
"""

import numpy as np
import pytest
from onnx_cases import FILES, file_cases, node_cases, plain, same

from graphlens.frontends.onnx.file import capture
from graphlens.ir import check
from graphlens.runtime.run import run

# What the cases compute while they are made, in numpy.
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")

DISAGREES = {
    # ONNX Runtime gives another result than the standard's reference.
    "test_maxunpool_export_with_output_shape",
    "test_resize_downsample_scales_cubic_align_corners",
    "test_resize_downsample_scales_linear_align_corners",
    # Nothing here computes gradients.
    "test_gradient_of_add",
    "test_gradient_of_add_and_mul",
    # The seed of one generator of random numbers means nothing to another.
    "test_training_dropout",
    "test_training_dropout_default",
    "test_training_dropout_default_mask",
    "test_training_dropout_mask",
}
REFERENCE = 2014
"""What ONNX's own reference evaluator passes of all 2,033."""


def failure(case):
    """What is wrong with our run of a case, or ''."""
    try:
        graph = check(capture(case.model))
        for inputs, outputs in case.data_sets:
            for found, expected in zip(run(graph, *map(plain, inputs)), outputs, strict=True):
                same(found, plain(expected), case)
    except Exception as error:
        return f"{case.name}: {type(error).__name__}: {str(error).strip()[:300]}"
    return ""


def test_a_fifth_of_the_node_cases_give_their_outputs():
    chosen = [case for case in node_cases()[::5] if case.name not in DISAGREES]
    assert len(chosen) > 330
    assert list(filter(None, map(failure, chosen))) == []


@pytest.mark.parametrize(("kind", "count"), list(zip(FILES, (23, 82, 35, 9), strict=True)))
def test_small_models_of_old_opsets_give_their_outputs(kind, count):
    cases = list(file_cases(kind))
    assert len(cases) == count
    chosen = [case for case in cases if case.name not in DISAGREES]
    assert list(filter(None, map(failure, chosen))) == []


def test_sequences_and_optionals_go_in_and_come_out():
    names = ("sequence_insert_at_front", "optional_get_element_optional_sequence", "if_opt")
    chosen = [c for c in node_cases() if c.name.removeprefix("test_") in names]
    assert len(chosen) == len(names)
    assert list(filter(None, map(failure, chosen))) == []


@pytest.mark.zoo
def test_more_cases_give_their_outputs_than_by_the_reference_evaluator(capsys):
    cases = [*node_cases(slow=True), *(case for kind in FILES for case in file_cases(kind))]
    failed = {case.name: told for case in cases if (told := failure(case))}
    with capsys.disabled():
        print(f"\n{len(cases) - len(failed)} of ONNX's {len(cases)} backend cases pass")
    assert len(cases) - len(failed) >= REFERENCE
    assert {name: told for name, told in failed.items() if name not in DISAGREES} == {}


def test_the_comparison_of_the_cases_can_fail():
    case = node_cases()[0]
    with pytest.raises(AssertionError):
        same(np.ones(2, "float32"), np.zeros(2, "float32"), case)
    with pytest.raises(AssertionError):
        same([np.ones(2)], [np.zeros(2)], case)
