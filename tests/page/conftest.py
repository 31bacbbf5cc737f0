"""A real browser without a window, and pages opened in it under watch."""

import shutil

import picture_graphs
import pytest
from playwright.sync_api import sync_playwright

import graphlens

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
FLAGS = ("--no-sandbox", "--disable-gpu", "--force-device-scale-factor=1", "--hide-scrollbars")
SIZE = {"width": 1200, "height": 800}


@pytest.fixture(scope="session")
def browser():
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        pytest.fail(
            f"the tests of the page need a browser: none of {', '.join(PROGRAMS)} is on the PATH "
            "(apt-get install chromium)"
        )
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=list(FLAGS))
        yield started
        started.close()


PLACE = """(([name, pane]) => {
  const view = app.panes.at(pane);
  const rect = view.rectOf(name);
  const { x, y, k } = view.camera;
  const at = view.canvas.getBoundingClientRect();
  const down = Math.min(rect.height / 2, 9);
  return [at.x + (rect.x + rect.width / 2 - x) * k, at.y + (rect.y + down - y) * k];
})(a)"""


class Viewer:
    """A page that is open, and what one does with it."""

    def __init__(self, page, path):
        self.page, self.path = page, path
        self.complaints, self.requests = [], []
        page.on("console", lambda said: self.complaints.append(said.text))
        page.on("pageerror", lambda error: self.complaints.append(error.message))
        page.on("dialog", lambda dialog: (self.complaints.append(dialog.message), dialog.dismiss()))
        page.on("request", lambda asked: self.requests.append(asked.url))

    def open(self, hash=""):
        self.page.goto(f"about:blank#{hash}")  # so that another hash alone loads the page anew
        self.page.goto(f"file://{self.path}{hash}")
        self.wait("app.active.frames > 0")

    def ask(self, expression, *arguments):
        """The value of a JavaScript expression of `app` and `a`, the list of the arguments."""
        return self.page.evaluate(
            f"(a) => {{ const app = graphlens; return {expression}; }}", list(arguments)
        )

    def wait(self, condition):
        """Wait until an expression of `app` is true: the page lets Playwright's own way not in."""
        self.page.evaluate(
            "new Promise((done) => { const look = () => {"
            f"const app = window.graphlens; if (app && ({condition})) done();"
            "else setTimeout(look, 10); }; look(); })"
        )

    def settle(self):
        """Wait until nothing moves."""
        self.wait("!app.active.moving && !app.dirty")

    def place(self, name, pane=-1):
        """The middle of a node's box on the screen."""
        self.settle()
        return self.ask(PLACE, name, pane)

    def click(self, name, pane=-1):
        self.page.mouse.click(*self.place(name, pane))
        self.settle()

    def hover(self, name, pane=-1):
        self.page.mouse.move(*self.place(name, pane))
        self.settle()

    def press(self, *keys):
        for key in keys:
            self.page.keyboard.press(key)
            self.settle()

    @property
    def selected(self):
        return self.ask("app.selected")

    @property
    def details(self):
        return self.page.locator("#details").inner_text()


@pytest.fixture(scope="session")
def viewers(browser, tmp_path_factory):
    """Open the page of something that can be drawn, once for the same thing and options."""
    opened = {}
    folder = tmp_path_factory.mktemp("pages")

    def viewer_of(thing, drawn=None, **options):
        key = id(thing), repr(drawn), repr(options)
        if key not in opened:
            path = folder / f"page{len(opened)}.html"
            graphlens.draw(thing, path, **(drawn or {}))
            options = {"viewport": SIZE, "reduced_motion": "reduce", **options}
            opened[key] = Viewer(browser.new_context(**options).new_page(), path), thing
        return opened[key][0]

    return viewer_of


@pytest.fixture
def view(viewers):
    """Open a page anew; nothing may go wrong in it, nor out of it."""
    used = []

    def open_page(thing, **options):
        viewer = viewers(thing, **options)
        used.append(viewer)
        viewer.open()
        return viewer

    yield open_page
    for viewer in used:
        assert viewer.complaints == []
        own = {"about:blank", f"file://{viewer.path}"}
        assert {url.partition("#")[0] for url in viewer.requests} <= own


@pytest.fixture(scope="session")
def net():
    return picture_graphs.residual_net(blocks=3, stages=2)


@pytest.fixture(scope="session")
def history(net):
    return graphlens.optimize(net, ["fuse"], prove=False)
