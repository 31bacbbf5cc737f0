"""The interactive page in a browser: how long it takes to open, and a frame while it is panned."""

from __future__ import annotations

import json
import shutil
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Browser, Error, sync_playwright

sys.path.insert(0, str(Path(__file__).parent.parent))
import picture_graphs

import graphlens

SIZES = {"10,000 boxes": 3_334, "50,000 boxes": 16_667}
"""Layers of `picture_graphs.flat_layers`, three operations each."""
ROUNDS = 5

PAN = """async ([whole]) => {
  const view = graphlens.active;
  graphlens.openAll(true);
  if (whole) view.fit(false);
  view.draw();
  const times = [];
  for (let i = 0; i < 60; i++) {
    const start = performance.now();
    view.pan(3, whole ? 2 : -7);
    await new Promise((done) => requestAnimationFrame(done));
    times.push(performance.now() - start);
  }
  times.sort((a, b) => a - b);
  return times[30];
}"""
"""Milliseconds of the median frame while one pans with everything open."""


def rows(folder: Path) -> Iterator[str]:
    """Lines of the report's table."""
    for title, layers in SIZES.items():
        try:
            found = measured(folder, layers)
        except Error as reason:  # such as a browser that is missing
            yield f"| page of {title} | {reason.message.splitlines()[0]} | | |"
            continue
        yield f"| page of {title}: made from its graph | {found['made']:.2f} s | | |"
        yield f"| page of {title}: size | {found['bytes'] / 1e6:.1f} MB | | |"
        yield f"| page of {title}: opened, wall clock | {found['opened']:.2f} s | | |"
        yield f"| page of {title}: a frame, near | {found['near']:.0f} ms | | |"
        yield f"| page of {title}: a frame, all of it in sight | {found['whole']:.0f} ms | | |"


def measured(folder: Path, layers: int) -> dict[str, float]:
    """What the page of that many layers takes."""
    path = folder.resolve() / f"page{layers}.html"
    graph = picture_graphs.flat_layers(layers)
    start = time.process_time()
    graphlens.draw(graph, path)
    made = time.process_time() - start
    with sync_playwright() as playwright:
        program = shutil.which("chromium") or shutil.which("google-chrome") or "chrome"
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        opened = statistics.median(_opened(browser, path) for _ in range(ROUNDS))
        near, whole = (_frame(browser, path, whole) for whole in (False, True))
        browser.close()
    size = path.stat().st_size
    return {"made": made, "bytes": size, "opened": opened, "near": near, "whole": whole}


def _opened(browser: Browser, path: Path) -> float:
    """Seconds from the call to the first frame."""
    page = browser.new_page(viewport={"width": 1400, "height": 850})
    start = time.perf_counter()
    page.goto(f"file://{path}")
    page.evaluate("new Promise((done) => requestAnimationFrame(done))")
    taken = time.perf_counter() - start
    page.close()
    return taken


def _frame(browser: Browser, path: Path, whole: bool) -> float:
    page = browser.new_page(viewport={"width": 1400, "height": 850})
    page.goto(f"file://{path}")
    taken = page.evaluate(PAN, [whole])
    page.close()
    return taken


if __name__ == "__main__":
    made = Path(sys.argv[1] if len(sys.argv) > 1 else "build/bench")
    made.mkdir(parents=True, exist_ok=True)
    found = {title: measured(made, layers) for title, layers in SIZES.items()}
    print(json.dumps(found, indent=1))
