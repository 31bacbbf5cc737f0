"""Placing buffers: known instances, brute force on small ones, and large ones in little time."""

import itertools
import random

import pytest

from graphlens.memory import arena
from graphlens.memory.arena import Buffer, arena_size, largest_live_set, place
from graphlens.memory.taken import Taken, cover


def smallest_arena(buffers: list[Buffer]) -> int:
    """The optimum: some order of placing each buffer as low as it goes attains it."""
    best = sum(b.nbytes for b in buffers)
    for order in itertools.permutations(buffers):
        placed: list[tuple[Buffer, int]] = []
        for buffer in order:
            taken = sorted(
                (o, o + b.nbytes)
                for b, o in placed
                if b.first <= buffer.last and buffer.first <= b.last
            )
            low = 0
            for start, end in taken:
                if start - low >= buffer.nbytes:
                    break
                low = max(low, end)
            placed.append((buffer, low))
        best = min(best, max(o + b.nbytes for b, o in placed))
    return best


def overlapping(buffers: list[Buffer], offsets: list[int]) -> list[tuple[int, int]]:
    return [
        (i, j)
        for (i, a), (j, b) in itertools.combinations(enumerate(buffers), 2)
        if a.first <= b.last and b.first <= a.last
        and offsets[i] < offsets[j] + b.nbytes and offsets[j] < offsets[i] + a.nbytes
    ]  # fmt: skip


def some(seed: int, count: int, steps: int, sizes: int) -> list[Buffer]:
    draw = random.Random(seed)
    made = []
    for _ in range(count):
        first = draw.randrange(steps)
        made.append(Buffer(first, min(steps, first + draw.randrange(4)), draw.randint(1, sizes)))
    return made


@pytest.mark.parametrize("seed", range(60))
def test_small_instances_come_close_to_the_optimum_of_brute_force(seed):
    buffers = some(seed, 6, 6, 9)
    offsets = place(buffers)
    assert overlapping(buffers, offsets) == []
    best = smallest_arena(buffers)
    assert largest_live_set(buffers) <= best <= arena_size(buffers, offsets) <= 1.15 * best


@pytest.mark.parametrize("seed", range(10))
def test_nothing_overlaps_in_larger_instances(seed):
    buffers = some(seed, 300, 200, 1000)
    offsets = place(buffers)
    assert overlapping(buffers, offsets) == []
    assert arena_size(buffers, offsets) <= 1.1 * largest_live_set(buffers)


def test_buffers_of_long_life_are_seen_in_every_step():
    buffers = [Buffer(0, 9999, 10), *(Buffer(i, i + 1, 7) for i in range(9999))]
    offsets = place(buffers)
    assert arena_size(buffers, offsets) == largest_live_set(buffers) == 24
    assert overlapping(buffers[:200], offsets[:200]) == []


def test_alignment_moves_every_offset_to_a_multiple():
    buffers = [Buffer(0, 2, 5), Buffer(1, 3, 100), Buffer(2, 4, 64)]
    offsets = place(buffers, alignment=64)
    assert [offset % 64 for offset in offsets] == [0, 0, 0]
    assert overlapping(buffers, offsets) == []


def test_empty_buffers_and_no_buffers_are_fine():
    assert place([]) == []
    assert place([Buffer(0, 3, 0), Buffer(1, 2, 8)]) == [0, 0]


def test_the_same_buffers_are_placed_the_same():
    buffers = some(1, 50, 30, 20)
    assert place(buffers) == place(list(buffers))


@pytest.mark.parametrize("seed", range(100))
def test_unions_of_intervals_place_as_a_look_at_every_buffer_does(seed, monkeypatch):
    draw = random.Random(seed)
    buffers = some(seed, draw.randint(2, 120), draw.randint(1, 80), draw.choice([3, 40, 10_000]))
    buffers += [Buffer(draw.randrange(40), 90, draw.randint(0, 64)) for _ in range(seed % 40)]
    found = []
    for many in (0, 10_000):
        monkeypatch.setattr(arena, "_MANY", many)
        found.append(place(buffers))
    assert found[0] == found[1]
    assert overlapping(buffers, found[0]) == []


@pytest.mark.parametrize("sizes", [(32,), (32, 64, 4096), range(1, 3_000)])
def test_thousands_of_buffers_live_at_once_are_looked_at_as_few_intervals(sizes, monkeypatch):
    looked_at = []
    best_gap = arena._best_gap

    def counted(taken, nbytes):
        looked_at.append(len(taken))
        return best_gap(taken, nbytes)

    monkeypatch.setattr(arena, "_best_gap", counted)
    buffers = [Buffer(index, 3_000, sizes[index % len(sizes)]) for index in range(3_000)]
    offsets = place(buffers)
    assert arena_size(buffers, offsets) == sum(b.nbytes for b in buffers)
    assert sum(looked_at) < 40 * len(buffers)


@pytest.mark.parametrize("seed", range(30))
def test_a_union_is_the_bytes_that_were_added_to_it(seed):
    draw, union, held = random.Random(seed), [], set()
    for _ in range(40):
        start = draw.randrange(60)
        end = start + draw.randint(1, 8)
        new = not set(range(start, end)) <= held
        held |= set(range(start, end))
        assert cover(union, start, end) == new
        assert {
            b for s, e in zip(union[::2], union[1::2], strict=True) for b in range(s, e)
        } == held
        assert all(a < b for a, b in itertools.pairwise(union))


@pytest.mark.parametrize("seed", range(30))
def test_what_is_taken_in_some_steps_is_what_was_taken_in_one_of_them(seed):
    draw = random.Random(seed)
    steps = draw.randint(1, 40)
    taken, held = Taken(steps), [set() for _ in range(steps)]
    for _ in range(30):
        first = draw.randrange(steps)
        last, start = draw.randint(first, steps - 1), draw.randrange(100)
        end = start + draw.randint(1, 10)
        taken.take(first, last, start, end)
        for step in range(first, last + 1):
            held[step] |= set(range(start, end))
        low = draw.randrange(steps)
        high = draw.randint(low, steps - 1)
        found = {b for s, e in taken.during(low, high) for b in range(s, e)}
        assert found == set().union(*held[low : high + 1])
