"""Lines that pass a place are found by a grid as by looking at every line."""

import random

import pytest

from graphlens.render import passing
from graphlens.render.part import Frame, Line
from graphlens.render.passing import Curves, passes
from graphlens.view import Arrow


def scattered_lines(draw, count):
    """Lines of one to four curves that lead down a picture, short ones and long ones."""
    found = []
    for _ in range(count):
        x, y = draw.uniform(-50, 3000), draw.uniform(-50, 3000)
        points = [(x, y)]
        for _ in range(3 * draw.randint(1, 4)):
            x, y = x + draw.uniform(-200, 200), y + draw.uniform(0, 150)
            points.append((x, y))
        found.append(Line(Arrow("start", "end"), tuple(points), None))
    return found


@pytest.mark.parametrize("seed", range(5))
def test_the_lines_that_cross_a_place_are_found_as_by_looking_at_all(seed):
    draw = random.Random(seed)
    lines = scattered_lines(draw, 300)
    near = Curves(lines)
    found = []
    for _ in range(300):
        room = Frame(draw.uniform(-50, 3000), draw.uniform(-50, 3000), draw.uniform(5, 200), 11.0)
        curves = [
            line.points[start : start + 4]
            for line in lines
            for start in range(0, len(line.points) - 3, 3)
        ]
        found.append(near.cross(room))
        assert found[-1] == any(passes(curve, room) for curve in curves)
    assert 0 < sum(found) < len(found)


def test_few_lines_are_looked_at_for_a_place(monkeypatch):
    looked = []
    monkeypatch.setattr(passing, "passes", lambda curve, room: looked.append(curve))
    lines = scattered_lines(random.Random(0), 1000)
    assert not Curves(lines).cross(Frame(1500.0, 1500.0, 40.0, 11.0))
    assert 0 < len(looked) < 100
