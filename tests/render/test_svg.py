import os
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import picture_graphs
import pytest

import graphlens
from graphlens import render, view
from graphlens.ir import Graph
from graphlens.memory.plan import plan_memory
from graphlens.ops.build import Builder
from graphlens.tensor import TensorType

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = {
    "script": "<script>alert(1)</script>",
    "cdata": "]]></style><script>",
    "entity": "a & b &lt; &#0; \"quoted\" 'too'",
    "newline": "a\nb\r\tc",
    "control": "a\x00b\x07c\x1b[31m\ufffe",
    "direction": "abc\u202edef\u200f",
    "emoji": "🦙👩‍👩‍👧‍👦 模型",
    "long": "x" * 10_000,
    "deep": "layer." * 100,
    "tensorflow": "model/conv/BiasAdd:0",
    "dot": '"; n0 -> n1 [label="<b>x</b>"]; //',
    "html": "<b>bold</b>",
    "surrogate": "a\ud800b",
    "backslash": "a\\N\\G\\l",
    "format": "{0} %s ${x}",
    "path": "../../etc",
}


def hostile_graph(name):
    graph = Graph(name=name)
    make = Builder(graph)
    make.scope = f"{name}.inner"
    graph.scopes[make.scope] = name
    x = make.input(name, TensorType("float32", (4, 4)))
    x = make.op(
        "MatMul", x, make.param(f"{name}.weight", TensorType("float32", (4, 4))), name=f"{name}2"
    )
    x = make.op(
        name, x, domain="odd", attr=name, results=[TensorType("float32", (4, 4))], name=f"{name}3"
    )
    x = make.op("MatMul", x, x)
    make.scope = ""
    make.output([x], [name])
    return graph


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("kind", ["default", "flat", "memory", "passes", "strip", "merged"])
def test_names_of_strangers_are_text_and_nothing_else(name, kind):
    graph = hostile_graph(name)
    if kind == "memory":
        picture = view.memory(plan_memory(graph))
    elif kind in ("passes", "strip", "merged"):
        history = graphlens.optimize(graph, ["eliminate", "fuse"], prove=False)
        if kind == "merged":
            picture = view.difference(graphlens.diff(graph, history.after))
        else:
            picture = view.before_after(history, strip=kind == "strip")
    else:
        picture = view.graph(graph, flat=kind == "flat")
    tree = ElementTree.fromstring(render.svg(picture).encode())
    allowed = {"svg", "title", "desc", "style", "g", "rect", "path", "text"}
    assert {element.tag.removeprefix(SVG) for element in tree.iter()} <= allowed
    for element in tree.iter():
        assert not any(key.startswith("on") or "href" in key for key in element.attrib)


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
def test_names_of_strangers_do_not_break_dot_or_text(name, tmp_path):
    picture = view.graph(hostile_graph(name))
    for suffix in (".dot", ".txt"):
        render.write(picture, tmp_path / f"a{suffix}")
    said = (tmp_path / "a.txt").read_text()
    assert not re.search(r"[\x00-\x08\x0b-\x1f]", said)


def test_a_long_name_is_cut_in_the_box_and_whole_in_the_title():
    svg = render.svg(view.graph(hostile_graph("x" * 3000)))
    tree = ElementTree.fromstring(svg)
    assert max(len(text.text or "") for text in tree.iter(f"{SVG}text")) < 200
    assert any("x" * 3000 in (title.text or "") for title in tree.iter(f"{SVG}title"))


def test_nothing_is_fetched_and_nothing_is_executed():
    svg = render.svg(view.graph(picture_graphs.residual_net()))
    assert "http" not in svg.replace("http://www.w3.org/2000/svg", "")
    assert not re.search(r"<script|@import|url\(|javascript:", svg)


def test_text_stays_text_and_boxes_have_titles():
    tree = ElementTree.fromstring(render.svg(view.graph(picture_graphs.residual_net())))
    words = {text.text for text in tree.iter(f"{SVG}text")}
    assert {"net", "Conv", "Relu", "3×3, 8", "× 3"} <= words
    titles = [title.text or "" for title in tree.iter(f"{SVG}title")]
    assert any("stem.conv: Conv" in title for title in titles)


def test_colours_are_right_without_the_style_sheet():
    tree = ElementTree.fromstring(render.svg(view.graph(picture_graphs.residual_net())))
    for element in tree.iter():
        if element.tag in (f"{SVG}rect", f"{SVG}path", f"{SVG}text"):
            assert re.fullmatch(r"#[0-9a-f]{6}|none", element.attrib["fill"])
    assert "prefers-color-scheme:dark" in (tree.find(f"{SVG}style").text or "")


def test_words_keep_to_their_place_in_a_font_that_is_wider():
    """Helvetica's widths are asked of any font; a name whose widths are not known is left alone."""
    tree = ElementTree.fromstring(render.svg(view.graph(picture_graphs.residual_net(name="模型"))))
    lines = list(tree.iter(f"{SVG}text"))
    assert [line.text for line in lines if "textLength" not in line.attrib] == ["模型"]
    words = next(line for line in lines if line.text == "Conv")
    helvetica = (722 + 611 + 611 + 556) / 1000 * float(words.attrib["font-size"])
    assert float(words.attrib["textLength"]) == pytest.approx(helvetica, abs=0.06)
    assert words.attrib["lengthAdjust"] == "spacingAndGlyphs"


def test_the_title_and_the_totals_are_written():
    words = [
        text.text
        for text in ElementTree.fromstring(
            render.svg(view.graph(picture_graphs.residual_net(name="my net")))
        ).iter(f"{SVG}text")
    ]
    assert words[0] == "my net"
    assert "operations" in words[1]


def test_the_bytes_do_not_depend_on_the_hash_seed():
    script = (
        "import hashlib, picture_graphs\n"
        "from graphlens import render, view\n"
        "svg = render.svg(view.graph(picture_graphs.residual_net(blocks=3, stages=8)))\n"
        "print(hashlib.sha256(svg.encode()).hexdigest())\n"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", script],
            env={
                **os.environ,
                "PYTHONHASHSEED": seed,
                "PYTHONPATH": str(Path(__file__).parents[1]),
            },
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(found) == 1
