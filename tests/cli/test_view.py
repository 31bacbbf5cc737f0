"""``graphlens view``: the page as a file, and served to this machine."""

import http.client
import threading

import pytest

from graphlens.cli import main, serve
from graphlens.errors import UsageError

MODEL = """
import sys
sys.path.insert(0, {tests!r})
from picture_graphs import residual_net
graph = residual_net()
"""


@pytest.fixture
def model(tmp_path):
    path = tmp_path / "model.py"
    path.write_text(
        MODEL.format(tests=str(__import__("picture_graphs").__file__.rpartition("/")[0]))
    )
    return f"{path}:graph"


def test_view_leaves_a_page(model, tmp_path, capsys):
    page = tmp_path / "page.html"
    assert main(["view", model, "-o", str(page)]) == 0
    assert page.read_text().startswith("<!doctype html>")
    assert "open it in a browser" in capsys.readouterr().out


def test_view_shows_every_pass(model, tmp_path):
    page = tmp_path / "page.html"
    assert main(["view", model, "--passes", "fuse", "-o", str(page)]) == 0
    assert '"name":"fuse"' in page.read_text()


@pytest.mark.parametrize(
    ("arguments", "said"), [([], "nowhere to put the page"), (["-o", "x.svg"], "an .html file")]
)
def test_view_says_where_it_cannot_put_the_page(model, arguments, said, capsys):
    assert main(["view", model, *arguments]) == 2
    assert said in capsys.readouterr().err


def test_view_shows_two_models_side_by_side(model, tmp_path):
    page = tmp_path / "page.html"
    other = tmp_path / "other.py"
    text = (tmp_path / "model.py").read_text().replace("residual_net()", "residual_net(blocks=4)")
    other.write_text(text)
    assert main(["view", model, f"{other}:graph", "-o", str(page)]) == 0
    text = page.read_text()
    assert text.count('"root":') == 2
    assert "stage0.3.add" in text


def test_view_measures_and_colours(model, tmp_path):
    pytest.importorskip("onnxruntime")
    page = tmp_path / "page.html"
    assert main(["view", model, "--passes", "fuse", "--profile", "-o", str(page)]) == 0
    assert '"color":"time"' in page.read_text()
    assert main(["view", model, "--color-by", "flops", "-o", str(page)]) == 0
    assert '"color":"flops"' in page.read_text()
    assert '["time",' not in page.read_text()


def test_view_of_passes_and_of_two_models_do_not_go_together(model, tmp_path, capsys):
    page = tmp_path / "page.html"
    assert main(["view", model, model, "--optimize", "-o", str(page)]) == 2
    assert "passes are shown of one model" in capsys.readouterr().err


def test_a_port_that_is_taken_is_said_before_the_model_is_read(served, capsys):
    port = str(served.server_address[1])
    assert main(["view", "no/such/model.onnx", "--serve", port]) == 2
    assert "leave the port out" in capsys.readouterr().err


@pytest.fixture
def served():
    with serve.server(b"<p>page", 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("path", "host", "status"),
    [
        ("/", "127.0.0.1:1", 200),
        ("/?x", "localhost:1", 200),
        ("/etc/passwd", "127.0.0.1:1", 404),
        ("/../page.html", "127.0.0.1:1", 404),
        ("/", "evil.example:1", 404),
    ],
)
def test_the_server_has_one_page_for_this_machine(served, path, host, status):
    assert served.server_address[0] == "127.0.0.1"
    connection = http.client.HTTPConnection(*served.server_address)
    connection.request("GET", path, headers={"Host": host})
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    assert answer.status == status
    assert (content == b"<p>page") == (status == 200)


def test_a_port_that_is_taken_is_a_usage_error(served):
    with pytest.raises(UsageError, match="leave the port out"):
        serve.server(b"", served.server_address[1])


def test_serving_opens_the_browser_and_ends_with_an_interruption(tmp_path, monkeypatch):
    (tmp_path / "page.html").write_text("<p>page")
    opened, said = [], []

    def interrupted(self):
        raise KeyboardInterrupt

    monkeypatch.setattr(serve.http.server.ThreadingHTTPServer, "serve_forever", interrupted)
    serve.serve(tmp_path / "page.html", 0, said.append, opened.append)
    assert opened[0].startswith("http://127.0.0.1:")
    assert opened[0] in said[0]
    assert said[1:] == ["stopped"]


@pytest.mark.parametrize("browse", [lambda address: False, lambda address: _fail()])
def test_without_a_browser_the_address_is_said(tmp_path, monkeypatch, browse):
    (tmp_path / "page.html").write_text("<p>page")
    said = []
    monkeypatch.setattr(serve.http.server.ThreadingHTTPServer, "serve_forever", lambda self: None)
    serve.serve(tmp_path / "page.html", 0, said.append, browse)
    assert "http://127.0.0.1:" in said[0]
    assert "no browser was found" in said[1]


def _fail():
    raise serve.webbrowser.Error("could not locate runnable browser")
