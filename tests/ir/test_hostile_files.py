"""Files damaged at random: a graph or one of our errors, never anything else."""

import contextlib
import copy
import json
import random

import pytest
from random_graphs import random_graph

from graphlens.errors import GraphlensError
from graphlens.ir import check, parse, to_text
from graphlens.ir.json_form import dump, from_dict, load, to_dict

STRANGE = [
    None, True, -1, 0, 2**63, 10**400, 1.5, "", "x", "..", "\x00", "\ud800", "graphlens/1", [], {},
    [None], ["x", 0], ["float32", [1]], {"$": "float", "value": "nan"}, {"$": "type"}, [[[[]]]],
    {"dtype": "float32", "shape": [2], "values": [1, 2]}, {"name": "x", "nodes": []},
]  # fmt: skip


def places(value, path=()):
    """Every place inside a JSON value."""
    yield path
    if isinstance(value, dict):
        for key, part in value.items():
            yield from places(part, (*path, key))
    elif isinstance(value, list):
        for index, part in enumerate(value):
            yield from places(part, (*path, index))


def damaged(content, draw: random.Random):
    """The same with a few places replaced, removed, doubled or renamed."""
    content = json.loads(json.dumps(content))
    for _ in range(draw.randint(1, 3)):
        path = draw.choice(list(places(content))[1:])
        holder = content
        for key in path[:-1]:
            holder = holder[key]
        match draw.randrange(4):
            case 0:
                del holder[path[-1]]
            case 1 if isinstance(holder, list):
                holder.insert(path[-1], holder[path[-1]])
            case 2 if isinstance(holder, dict):
                holder[draw.choice(["name", "op", "value", "$", "weight"])] = holder.pop(path[-1])
            case _:
                holder[path[-1]] = copy.deepcopy(draw.choice(STRANGE))
    return content


@pytest.mark.parametrize("seed", range(30))
def test_json_with_values_replaced_is_read_or_refused(seed):
    draw = random.Random(seed)
    content = to_dict(random_graph(seed, 5))
    for _ in range(15):
        with contextlib.suppress(GraphlensError):
            check(from_dict(damaged(content, draw)))


@pytest.mark.parametrize("seed", range(15))
def test_json_with_bytes_replaced_is_read_or_refused(seed, tmp_path):
    draw = random.Random(seed)
    graph = random_graph(seed, 5)
    dump(graph, tmp_path / "g.json")
    whole = (tmp_path / "g.json").read_bytes()
    for _ in range(20):
        held = bytearray(whole)
        for _ in range(draw.randint(1, 4)):
            held[draw.randrange(len(held))] = draw.randrange(256)
        (tmp_path / "g.json").write_bytes(held[: draw.randint(0, 2 * len(held))])
        with contextlib.suppress(GraphlensError):
            load(tmp_path / "g.json")


@pytest.mark.parametrize("seed", range(15))
def test_text_with_characters_replaced_is_read_or_refused(seed):
    draw = random.Random(seed)
    whole = to_text(random_graph(seed, 5), detail=True)
    for _ in range(20):
        held = list(whole)
        for _ in range(draw.randint(1, 4)):
            held[draw.randrange(len(held))] = draw.choice("()[]{}:,.=@*'\"\\\n 0a-#π\x00")
        with contextlib.suppress(GraphlensError):
            check(parse("".join(held)))
