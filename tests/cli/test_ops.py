"""``graphlens ops``: the list, one op in full, and the share of a zoo's nodes."""

from __future__ import annotations

import json

import pytest

from graphlens.cli import main


def test_list_names_operands_and_spellings(capsys) -> None:
    assert main(["ops"]) == 0
    lines = capsys.readouterr().out.splitlines()
    (line,) = [line for line in lines if line.startswith("Conv ")]
    assert "X, W, B?" in line
    assert "aten: conv" in line
    assert "tf: Conv2D" in line


def test_one_op_is_shown_in_full_whatever_its_case(capsys) -> None:
    assert main(["ops", "conv"]) == 0
    text = capsys.readouterr().out
    assert text.startswith("Conv(X, W, B?)")
    for word in ("group", "auto_pad", "'NOTSET'", "DepthwiseConv2dNative", "convolution"):
        assert word in text


def test_json_holds_every_op(capsys) -> None:
    assert main(["ops", "--json"]) == 0
    ops = json.loads(capsys.readouterr().out)["ops"]
    assert len(ops) > 190
    assert {"op", "operands", "attributes", "results", "spelt", "share"} <= ops[0].keys()


def test_share_is_counted_over_a_table(tmp_path, capsys) -> None:
    rows = [{"model": "a", "frontends": {"torch.fx": {"ops": {"Conv": 3, "Relu": 1}}}}, {}]
    path = tmp_path / "zoo.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert main(["ops", "Conv", "Add", "--table", str(path), "--json"]) == 0
    conv, add = json.loads(capsys.readouterr().out)["ops"]
    assert (conv["share"], conv["nodes"], add["share"]) == (0.75, 3, 0)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["ops", "Convv"], 2, "did you mean Conv"),
        (["ops", "qqqq"], 2, "'graphlens ops' lists them"),
        (["ops", "--table", "no/such.jsonl"], 2, "no such table"),
        (["ops", "--table", "{broken}"], 3, "no line of JSON"),
        (["ops", "--table", "{empty}"], 3, "counts no ops"),
    ],
)
def test_what_cannot_be_shown_is_told(arguments, code, said, tmp_path, capsys) -> None:
    (tmp_path / "broken").write_text("{")
    (tmp_path / "empty").write_text("{}\n")
    filled = [a.format(broken=tmp_path / "broken", empty=tmp_path / "empty") for a in arguments]
    assert main(filled) == code
    assert said in capsys.readouterr().err
