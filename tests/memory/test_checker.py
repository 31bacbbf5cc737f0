"""The checker finds what a broken plan gets wrong: a test of the test."""

import itertools
import random
from dataclasses import replace

import pytest
from random_graphs import random_graph

from graphlens.errors import GraphError
from graphlens.ir import Value, parse
from graphlens.memory import checker
from graphlens.memory.checker import Span, check_spans
from graphlens.memory.plan import plan_memory

TWO = "def f(x: float32[4]):\n    y: float32[4] = Relu(x)\n    return x, y\n"


def test_two_tensors_needed_at_once_in_one_place_are_named():
    plan = plan_memory(parse(TWO))
    broken = replace(plan, offsets={Value("x"): 0, Value("y"): 8})
    with pytest.raises(GraphError, match=r"'x'.*'y'.*overlap"):
        broken.check()


def test_a_tensor_beyond_the_arena_is_named():
    plan = replace(plan_memory(parse(TWO)), arena_bytes=20)
    with pytest.raises(GraphError, match="does not fit an arena of 20 bytes"):
        plan.check()


def test_an_offset_off_the_alignment_is_named():
    with pytest.raises(GraphError, match="aligned to 64"):
        check_spans([Span(Value("a"), 32, 64, 0, 1)], 64, {}, 64)


def test_writing_over_what_is_still_needed_is_named():
    spans = [Span(Value("a"), 0, 8, 0, 3), Span(Value("b"), 0, 8, 1, 2)]
    with pytest.raises(GraphError, match="needed longer"):
        check_spans(spans, 8, {Value("b"): Value("a")})


def test_writing_elsewhere_than_over_the_operand_is_named():
    spans = [Span(Value("a"), 0, 8, 0, 1), Span(Value("b"), 8, 16, 1, 2)]
    with pytest.raises(GraphError, match="lies elsewhere"):
        check_spans(spans, 16, {Value("b"): Value("a")})


def test_sharing_a_place_one_after_the_other_is_fine():
    check_spans([Span(Value("a"), 0, 8, 0, 1), Span(Value("b"), 0, 8, 2, 3)], 8, {})


def test_both_ends_of_a_lifetime_count():
    spans = [Span(Value("a"), 0, 8, 0, 1), Span(Value("b"), 4, 12, 1, 3)]
    with pytest.raises(GraphError, match="step 1"):
        check_spans(spans, 12, {})


def test_any_live_offset_moved_onto_another_is_found():
    """Move each tensor of a plan onto each other one that is live with it."""
    plan = plan_memory(random_graph(11, 15), inplace=False)
    tried = 0
    for one, held in plan.lifetimes.items():
        for other, span in plan.lifetimes.items():
            if one == other or held.last < span.first or span.last < held.first:
                continue
            tried += 1
            with pytest.raises(GraphError):
                replace(plan, offsets={**plan.offsets, one: plan.offsets[other]}).check()
    assert tried > 20


@pytest.mark.parametrize("seed", range(60))
def test_an_overlap_is_found_where_any_two_tensors_overlap(seed):
    draw = random.Random(seed)
    spans: list[Span] = []
    for index in range(draw.randint(2, 14)):
        first, start = draw.randrange(8), draw.randrange(60)
        last, end = first + draw.randrange(3), start + draw.randrange(6)
        spans.append(Span(Value(f"v{index}"), start, end, first, last))
    sound = not any(
        a.first <= b.last and b.first <= a.last and max(a.start, b.start) < min(a.end, b.end)
        for a, b in itertools.combinations(spans, 2)
    )
    if sound:
        check_spans(spans, 80, {})
    else:
        with pytest.raises(GraphError, match="overlap"):
            check_spans(spans, 80, {})


def test_tensors_of_a_sound_plan_are_held_against_their_neighbours_only(monkeypatch):
    asked = []
    place = checker._place
    monkeypatch.setattr(checker, "_place", lambda span: asked.append(span) or place(span))
    check_spans(
        [Span(Value(f"v{i}"), 8 * i, 8 * i + 8, i, 2_000) for i in range(2_000)], 16_000, {}
    )
    assert len(asked) < 2_000 * 30
