import picture_graphs

from graphlens import view
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
