"""Histories: the evidence of each step, and errors that name who is to blame."""

from __future__ import annotations

import functools
import json
import sys
import types
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from graphlens.errors import PassError
from graphlens.ir import Editor, Graph, Value, parse, to_text
from graphlens.passes.fuse import fuse
from graphlens.passes.pipeline import pass_name, rules_of, run
from graphlens.rewrite import Rule, apply, op, var

Known = Callable[[str], Graph]

NET = """
def net(x: float32[2, 4]):
    w: float32[4, 4] = Param()
    m: float32[2, 4] = MatMul(x, w)
    a: float32[2, 4] = Relu(m)
    return a
"""


def unchanged(graph: Graph) -> Graph:
    return graph


def breaking(graph: Graph) -> Graph:
    editor = Editor(graph)
    editor.update("a", op="Neg")
    return editor.finish()


def raising(graph: Graph) -> Graph:
    raise ValueError("no luck")


def invalid(graph: Graph) -> Graph:
    twin = graph.copy()
    twin.remove_node("output")
    return twin


def test_each_step_carries_its_evidence(known: Known) -> None:
    graph = known(NET)
    history = run(graph, [unchanged, fuse])
    assert history.before is graph
    assert [step.name for step in history.steps] == ["unchanged", "fuse"]
    first, second = history.steps
    assert not first.changed
    assert first.evidence.status == "unchanged"
    assert (second.evidence.status, second.evidence.max_abs_error) == ("proven", 0.0)
    assert (history.evidence.kernels, second.evidence.kernels) == (2, 1)
    assert (history.evidence.traffic_bytes, second.evidence.traffic_bytes) == (64, 0)
    assert second.evidence.peak_bytes == 64
    assert history.after is second.after
    assert history.result is second.evidence
    assert history.max_abs_error == 0.0


def test_an_unchanged_step_repeats_what_was_proven_before_it(known: Known) -> None:
    history = run(known(NET), [fuse, unchanged])
    before, after = (step.evidence for step in history.steps)
    assert replace(after, seconds=before.seconds) == before


def test_a_history_prints_as_a_table_and_reports_as_json(known: Known) -> None:
    history = run(known(NET), [fuse])
    lines = str(history).splitlines()
    assert [line.split()[0] for line in lines] == ["step", "captured", "fuse"]
    report = json.loads(json.dumps(history.report()))
    assert report["captured"]["kernels"] == 2
    (step,) = report["steps"]
    assert [entry["name"] for entry in step["removed"]] == ["m", "a"]
    (group,) = step["fused"]
    assert {"m", "a"} <= set(group["members"])
    assert group["origins"] == ["m", "a"]
    assert str(history.diff)


def test_steps_are_reported_as_they_are_done(known: Known) -> None:
    seen: list[str] = []
    run(known(NET), [unchanged, fuse], on_step=lambda step: seen.append(step.name))
    assert seen == ["unchanged", "fuse"]


def test_a_pass_that_changes_the_function_is_named_with_the_worst_input(known: Known) -> None:
    with pytest.raises(PassError, match=r"pass 'breaking' changed .* worst on seed") as caught:
        run(known(NET), [unchanged, breaking])
    assert "after ['unchanged']" in str(caught.value)


def test_the_rule_that_changes_the_function_is_named(
    known: Known, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = Rule("right", op("Relu", var("x")), lambda m, b: b.op("Max", m["x"], b.const(0.0)))
    wrong = Rule("wrong", op("MatMul", var("x"), var()), lambda m, b: b.op("Gemm", m["x"], m["x"]))
    module = types.ModuleType("tabled")
    module.RULES = (right, wrong)

    def tabled(graph: Graph) -> Graph:
        return apply(graph, module.RULES)

    tabled.__module__ = "tabled"
    monkeypatch.setitem(sys.modules, "tabled", module)
    assert rules_of(functools.partial(tabled)) == module.RULES
    graph = known(NET.replace("float32[2, 4]", "float32[4, 4]"))
    with pytest.raises(PassError, match="pass 'tabled', rule 'wrong', changed"):
        run(graph, [tabled])


def test_a_pass_that_raises_is_named_with_those_already_run(known: Known) -> None:
    with pytest.raises(PassError, match=r"pass 'raising' failed .*'fuse'.*no luck") as caught:
        run(known(NET), [fuse, raising])
    assert isinstance(caught.value.__cause__, ValueError)


def test_a_pass_that_returns_no_graph_is_refused(known: Known) -> None:
    with pytest.raises(PassError, match="returned a NoneType, expected a Graph"):
        run(known(NET), [lambda graph: None])  # type: ignore[list-item, return-value]
    with pytest.raises(PassError, match="pass 'invalid' returned an invalid graph"):
        run(known(NET), [invalid])


def test_without_weights_or_proofs_a_step_is_unproven_with_the_reason(known: Known) -> None:
    (step,) = run(parse(NET), [fuse]).steps
    assert step.evidence.status == "unproven"
    assert "w" in step.evidence.reason
    (step,) = run(known(NET), [fuse], prove=False).steps
    assert (step.evidence.status, step.evidence.max_abs_error) == ("unproven", None)


def test_the_inputs_given_are_run_too(known: Known) -> None:
    graph = known(NET)
    rare = np.full((2, 4), 7.25, np.float32)

    def rarely_wrong(graph: Graph) -> Graph:
        editor = Editor(graph)
        capped = graph.node("a")
        name = editor.add(replace(capped, op="Min"), (Value("a"), Value("cap")), "c", "output")
        editor.rewire("output", 0, Value(name))
        return editor.finish()

    graph = known(NET.replace("    m:", "    cap: float32[()] = Const(1000.0)\n    m:"))
    graph.weights["w"] = np.eye(4, dtype=np.float32) * 200
    with pytest.raises(PassError, match="worst on the inputs given"):
        run(graph, [rarely_wrong], inputs=[rare])


def test_the_captured_graph_is_run_once(known: Known, monkeypatch: pytest.MonkeyPatch) -> None:
    from graphlens.passes import pipeline

    made: list[Graph] = []
    witness = pipeline.Witness

    def counted(graph: Graph, **options: object) -> object:
        made.append(graph)
        return witness(graph, **options)

    monkeypatch.setattr(pipeline, "Witness", counted)

    def renamed(graph: Graph) -> Graph:
        return graph.reordered(list(graph))

    graph = known(NET)
    run(graph, [renamed, fuse, renamed])
    assert made == [graph]


def test_an_option_does_not_hide_the_name_of_a_pass() -> None:
    assert pass_name(functools.partial(fuse, kinds="conv")) == "fuse"


def test_the_graph_given_is_left_as_it_was(known: Known) -> None:
    graph = known(NET)
    text = to_text(graph)
    run(graph, [fuse])
    assert to_text(graph) == text
