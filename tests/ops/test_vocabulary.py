"""Schemas and facts: what is known of each op."""

import subprocess
import sys

import onnx.defs

from graphlens.ops import facts
from graphlens.ops.facts import _TABLE
from graphlens.ops.schema import OPSET, defaults, in_vocabulary, schema


def test_every_op_of_the_table_of_facts_exists():
    assert [op for op in _TABLE if schema(op) is None] == []


def test_ops_that_commute_read_two_values_of_one_type():
    for op, known in _TABLE.items():
        if known.commutative:
            one, *other = schema(op).inputs
            assert (other[0] if other else one).type_str == one.type_str, op


def test_the_schema_is_the_one_of_our_opset():
    assert schema("Cast").since_version <= OPSET < onnx.defs.get_schema("Cast").since_version
    assert schema("SwiGLU") is None


def test_a_deprecated_op_is_not_in_the_vocabulary():
    assert not in_vocabulary("Upsample")
    assert in_vocabulary("Resize")
    assert in_vocabulary("Region", "graphlens")
    assert not in_vocabulary("foo", "aten")


def test_trees_of_both_generations_are_in_the_vocabulary():
    assert in_vocabulary("TreeEnsembleRegressor", "ai.onnx.ml")
    assert in_vocabulary("TreeEnsemble", "ai.onnx.ml")


def test_defaults_are_as_a_node_holds_them():
    assert defaults("Conv") == {"auto_pad": "NOTSET", "group": 1}
    assert defaults("Gelu") == {"approximate": "none"}
    assert defaults("nothing", "aten") == {}


def test_an_unknown_op_is_other_and_never_commutes():
    assert facts("foo", "aten").category == "other"
    assert not facts("Add", "aten").commutative


def test_facts_load_no_onnx():
    """A view colours its boxes by facts, and must start fast."""
    code = "import sys, graphlens.ops; sys.exit('onnx' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
