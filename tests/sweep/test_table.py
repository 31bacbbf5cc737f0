"""The table: grows, is taken up again, and is written as JSON lines, Markdown and HTML."""

from __future__ import annotations

import json
from xml.etree import ElementTree

import pytest

from graphlens.errors import FormatError, UsageError
from graphlens.sweep import Choice, Row, Spec, Task, forms, many, table
from graphlens.sweep.summary import reasons, share, summary

ENTRY = {
    "status": "equal", "reason": "", "means": "torch.fx", "nodes": 10,
    "ops": {"Relu": 10}, "foreign": {},
    "max_error": 1e-7, "seconds": 0.2, "bare_seconds": 0.1, "bare_reason": "",
}  # fmt: skip


def row(name, status="equal", stages=("capture",), **fields):
    fields.setdefault("frontends", {"torch.fx": dict(ENTRY)})
    return Row("model", name, status, stages=list(stages), **fields)


def made_by(rows):
    """A pool that has its rows already, and notes what it was asked for."""
    asked = []

    def pool(specs, task, jobs):
        asked.extend(spec.model for spec in specs)
        yield from (row(spec.model, stages=task.stages) for spec in specs)

    return pool, asked


@pytest.fixture
def pool(monkeypatch):
    made, asked = made_by({})
    monkeypatch.setattr(many, "pool", made)
    return asked


TASK = Task(stages=("capture",))
NAMES = [Spec("model", name) for name in "abc"]


def test_a_row_comes_back_from_its_line_as_it_was():
    one = row("a", reason="why", one_graph={"status": "one"})
    assert Row.of(json.loads(one.line())) == one


def test_models_that_the_table_has_are_not_done_again(pool, tmp_path):
    path = tmp_path / "table.jsonl"
    many.sweep(NAMES[:2], TASK, path=path)
    rows = many.sweep(NAMES, TASK, path=path)
    assert pool == ["a", "b", "c"]
    assert [one.model for one in rows] == ["a", "b", "c"]
    assert [json.loads(line)["model"] for line in path.read_text().splitlines()] == ["a", "b", "c"]


def test_models_are_done_again_when_asked_or_when_more_stages_are_wanted(pool, tmp_path):
    path = tmp_path / "table.jsonl"
    many.sweep(NAMES[:1], TASK, path=path)
    many.sweep(NAMES[:1], TASK, path=path, choice=Choice(fresh=True))
    many.sweep(NAMES[:1], Task(stages=("capture", "run")), path=path)
    assert pool == ["a", "a", "a"]
    assert len(path.read_text().splitlines()) == 1


def test_only_what_failed_is_tried_again(pool, tmp_path):
    path = tmp_path / "table.jsonl"
    table.write(path, [row("a"), row("b", "failed"), row("c", one_graph={"status": "several"})])
    many.sweep(NAMES, TASK, path=path, choice=Choice(retry=True))
    assert pool == ["b", "c"]


def test_a_table_that_was_cut_off_in_a_line_is_taken_up_before_it(pool, tmp_path):
    path = tmp_path / "table.jsonl"
    path.write_text(f"{row('a').line()}\n{row('b').line()[:20]}")
    many.sweep(NAMES[:2], TASK, path=path)
    assert pool == ["b"]


def test_a_file_that_is_no_table_is_refused(tmp_path):
    path = tmp_path / "table.jsonl"
    path.write_text('{"a": 1}\n[2]\n')
    with pytest.raises(FormatError, match=r"table\.jsonl:1 is no row of a sweep"):
        many.sweep(NAMES, TASK, path=path)


def test_an_interrupted_sweep_leaves_what_was_done(monkeypatch, tmp_path):
    def pool(specs, task, jobs):
        yield row("a")
        raise KeyboardInterrupt

    monkeypatch.setattr(many, "pool", pool)
    path = tmp_path / "table.jsonl"
    with pytest.raises(KeyboardInterrupt):
        many.sweep(NAMES, TASK, path=path)
    assert list(table.read(path)) == NAMES[:1]


def test_two_models_of_one_name_are_refused(pool):
    with pytest.raises(UsageError, match="two models are called 'model:a'"):
        many.sweep([NAMES[0], NAMES[0]], TASK)


def test_an_unknown_stage_is_refused():
    with pytest.raises(UsageError, match="unknown stage 'fly'"):
        Task(stages=("fly",))


MIXED = [
    row("a", one_graph={"status": "one"}),
    row("b|c <d>", "captured", one_graph={"status": "several", "against": "torch.fx",
        "difference": {"torch.jit": "Add 'x' against Mul 'y'"}},
        frontends={"torch.fx": {**ENTRY, "status": "different", "reason": "output 0 is wrong",
                                "foreign": {"aten.foo": 2}}}),
    row("e", "not built", frontends={}, reason="ImportError: no"),
]  # fmt: skip


def test_the_summary_counts_what_runs_here():
    whole = summary(MIXED)
    assert (whole.models, whole.built, whole.equal) == (3, 2, 1)
    assert (whole.nodes, whole.known) == (20, 18)
    assert (whole.compared, whole.one) == (2, 1)
    assert whole.overhead == pytest.approx(2.0)
    assert "captured with equal output 1 of 2 (50.0 %)" in str(whole)


def test_a_comparison_that_failed_is_not_left_out_of_the_share_of_one_graph():
    failed = row("f", one_graph={"reason": "the rules undo each other"})
    alone = row("g", one_graph={"status": "single"})
    whole = summary([*MIXED, failed, alone])
    assert (whole.compared, whole.one) == (3, 1)


def test_a_share_is_not_rounded_up_to_all():
    assert share(99999, 100000) == "99999 of 100000 (99.9 %)"
    assert share(3, 3) == "3 of 3 (100.0 %)"


def test_reasons_name_front_end_and_stage():
    assert reasons(MIXED[1]) == [
        "torch.fx: output 0 is wrong",
        "torch.fx: outside the vocabulary: aten.foo",
        "torch.jit is another graph than torch.fx: Add 'x' against Mul 'y'",
    ]


def test_markdown_has_a_line_a_model_whose_cells_keep_their_bounds():
    *_, last = forms.markdown(MIXED).split("\n\n")
    tabled = last.splitlines()
    assert len(tabled) == 2 + len(MIXED)
    bars = {line.replace("\\|", "").count("|") for line in tabled}
    assert bars == {len(forms.HEADS) + 1}


def test_html_is_a_page_with_a_line_a_model():
    page = forms.html(MIXED)
    body = ElementTree.fromstring(page.split("\n", 1)[1].replace('<meta charset="utf-8">', ""))
    *_, last = body.findall(".//tbody")
    lines = last.findall("tr")
    assert len(lines) == len(MIXED)
    assert lines[1].find("td").text == "model:b|c <d>"


def test_a_table_begins_with_what_each_way_in_takes_and_why_not():
    *_, ways, why, _ = forms.markdown(MIXED).split("\n\n")
    ((_, *cells),) = [line.split("|")[1:-1] for line in ways.splitlines()[2:] if "torch.fx" in line]
    assert cells[0].strip() == forms.ways(MIXED)[1][0][1]
    assert " of " in cells[0]
    assert "output # is wrong" in why
