"""Lines that are too long for a narrow box go on below; no letter of them is lost."""

import picture_geometry as geometry
import pytest

from graphlens import render, view
from graphlens.ir import Graph
from graphlens.ops.build import Builder
from graphlens.passes.history import Evidence, History, Step
from graphlens.render.wrap import broken, wrapped
from graphlens.tensor import TensorType
from graphlens.view import Box, Diagram, Face, Row


def lines(*rows, panes=4):
    """The lines that a box with these rows has where there are so many panes."""
    diagram = Diagram("", (Box("a", (Face(rows),) * panes),))
    return [(row.text, row.detail, row.note) for row in wrapped(diagram).boxes[0].face.rows]


def test_what_fits_is_left_as_it_is():
    diagram = Diagram("", (Box("a", (Face((Row("Conv", "3×3, 64", "9.4k"),)),)),))
    assert wrapped(diagram) is diagram


def test_a_detail_that_does_not_fit_stands_below_the_name():
    assert lines(Row("MatMul", "192 → 1000", "192k")) == [
        ("MatMul", "", "192k"),
        ("", "192 → 1000", ""),
    ]


def test_a_figure_that_does_not_fit_stands_below_the_name():
    found = lines(Row("LayerNormalization", "", "384"))
    assert found == [("LayerNormalization", "", ""), ("", "", "384")]


def test_what_stays_stands_below_what_is_gone_where_both_do_not_fit():
    row = Row("2 BatchNormalization", "· Conv · 2 Add", style="summary", mark="removed")
    diagram = Diagram("", (Box("a", (Face((row,)),) * 4),))
    found = [(each.text, each.detail, each.mark) for each in wrapped(diagram).boxes[0].face.rows]
    assert found == [("2 BatchNormalization", "", "removed"), ("", "Conv · 2 Add", "")]
    assert len(lines(row, panes=1)) == 1


def test_a_name_is_broken_after_a_sign_or_before_a_capital():
    assert broken("encoder_last_hidden_state", 11.0, 100.0, bold=True) == [
        "encoder_last_",
        "hidden_state",
    ]
    assert broken("WhisperDecoderLayer", 10.0, 75.0) == ["Whisper", "DecoderLayer"]


def test_the_class_of_a_module_is_broken_as_a_name_is():
    name, kind = "layers.0", "GraniteSpeechEncoderSubsamplingBlock"
    found = lines(Row(name, kind, style="module"))
    assert found[0][:2] == (name, "")
    assert len(found) > 2
    assert "".join(detail for _, detail, _ in found) == kind


def test_a_number_stays_with_what_it_counts():
    found = lines(Row("", "13 Reshape · 8 Add · … 9 more", style="summary"))
    assert [detail for _, detail, _ in found] == ["13 Reshape · 8 Add", "… 9 more"]


@pytest.mark.parametrize("text", ["a" * 120, "layer." * 60, "x" * 10_000])
def test_what_cannot_be_broken_is_left_to_be_cut(text):
    assert "".join(broken(text, 11.0, 100.0)).replace(" ", "") == text
    assert len(broken(text, 11.0, 100.0)) <= 3


@pytest.mark.parametrize("panes", [2, 3, 4, 5, 6])
def test_a_film_strip_cuts_no_word_however_many_panes_it_has(panes):
    graph = Graph(name="names")
    make = Builder(graph)
    value = make.input("decoder_input_features", TensorType("float32", (1, 80, 3000)))
    make.scope = "encoder.layers.0"
    graph.scopes[make.scope] = "WhisperEncoderLayer"
    weight = make.param("weight", TensorType("float32", (3000, 12000)))
    value = make.op("MatMul", make.op("LayerNormalization", value), weight)
    make.scope = ""
    make.output([value], ["encoder_last_hidden_state"])
    evidence = Evidence(nodes=4, kernels=3, traffic_bytes=4000, peak_bytes=800)
    steps = tuple(Step(f"pass{n}", graph, graph.copy(), evidence) for n in range(1, panes))
    history = History(graph, evidence, steps)
    found = geometry.read(render.svg(view.before_after(history, strip=True)))
    assert geometry.cut_texts(found) == []
    assert geometry.overlapping_texts(found) == []
    assert all(right <= found.wide for _, _, (_, _, right, _) in found.texts)
    assert geometry.type_size(found) >= 7.0
