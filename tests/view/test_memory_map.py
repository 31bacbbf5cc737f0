import picture_graphs

from graphlens import render, view
from graphlens.ir import parse
from graphlens.memory.plan import plan_memory


def test_every_tensor_is_a_span_at_its_offset():
    plan = plan_memory(picture_graphs.residual_net())
    drawn = view.memory(plan)
    assert len(drawn.spans) == len(plan.lifetimes)
    assert max(span.offset + span.size for span in drawn.spans) == plan.arena_bytes
    assert all(0 <= span.start <= span.stop < drawn.steps for span in drawn.spans)


def test_no_two_spans_overlap():
    spans = view.memory(plan_memory(picture_graphs.residual_net())).spans
    for index, one in enumerate(spans):
        for other in spans[index + 1 :]:
            apart_in_time = one.stop < other.start or other.stop < one.start
            apart_in_bytes = (
                one.offset + one.size <= other.offset or other.offset + other.size <= one.offset
            )
            assert apart_in_time or apart_in_bytes, (one, other)


def test_the_figures_are_those_of_the_plan():
    plan = plan_memory(picture_graphs.residual_net())
    drawn = view.memory(plan)
    assert (drawn.arena, drawn.bound, drawn.peak_step) == (
        plan.arena_bytes,
        plan.peak_live_bytes,
        plan.peak_step,
    )
    assert [fact.name for fact in drawn.facts][-1] == "this plan"


def test_a_tensor_has_the_style_of_its_op():
    drawn = view.memory(plan_memory(picture_graphs.residual_net()))
    styles = {span.label: span.style for span in drawn.spans}
    assert styles["stem.conv"] == "conv"
    assert styles["x"] == "input"


LOOP = """
def f(x: float32[4], go: bool[()]):
    trips: int64[()] = Const(3)
    a: float32[4] = Relu(x)
    def body(i: int64[()], on: bool[()], h: float32[4]):
        def then_branch(c: float32[4]):
            n: float32[4] = Neg(c)
            t: float32[4] = Tanh(n)
            return t
        def else_branch(c: float32[4]):
            s: float32[4] = Sigmoid(c)
            return s
        b: float32[4] = If(on, h, then_branch=then_branch, else_branch=else_branch)
        return on, b
    loop: float32[4] = Loop(trips, go, a, captures=0, body=body)
    z: float32[4] = Neg(loop)
    return z
"""


def test_a_step_with_bodies_is_as_wide_as_they_are():
    drawn = view.memory(plan_memory(parse(LOOP)))
    names = ("a", "loop.body.b.then.n", "loop.body.b.then.t", "loop.body.b.else.s", "z")
    assert (drawn.step_names, drawn.steps) == (names, 5)
    assert [(band.label, band.start, band.stop) for band in drawn.bands] == [
        ("Loop loop: body", 1, 3),
        ("If loop.body.b: then branch", 1, 2),
        ("If loop.body.b: else branch", 3, 3),
    ]
    spans = {span.label: (span.start, span.stop) for span in drawn.spans}
    assert spans["loop"] == (1, 3)
    assert spans["loop.body.h"] == (1, 3)
    assert spans["loop.body.b.then.n"] == (1, 1)
    assert drawn.live[drawn.peak_step] == max(drawn.live) == drawn.bound


def test_bodies_are_drawn_as_named_bands():
    svg = render.svg(view.memory(plan_memory(parse(LOOP))))
    assert "Loop loop: body" in svg
    assert "Loop loop: body" in svg
