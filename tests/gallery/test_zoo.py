"""The table that the page of the zoo reads: whole, with a reason for all that is not reached."""

from pathlib import Path

from graphlens.sweep import sets, table
from graphlens.sweep.summary import by_front_end, causes, reasons, summary

ROWS = list(table.read(Path(__file__).parents[2] / "gallery" / "pages" / "zoo.jsonl").values())


def test_the_table_is_of_the_sets_that_there_are():
    found = {row.set for row in ROWS}
    assert found <= sets.SETS.keys() - set(sets.SINGLE)
    assert found >= {"torchvision", "timm", "transformers", "keras-layers"}


def test_whatever_is_not_sound_has_a_reason():
    assert [row.model for row in ROWS if not row.sound and not reasons(row)] == []


def test_the_shares_that_the_page_shows_are_those_of_a_zoo_that_is_captured():
    found = summary(ROWS)
    assert found.built > 100
    assert found.equal / found.built > 0.95
    assert found.known / found.nodes > 0.99
    assert found.one / found.compared > 0.95


def test_a_cause_is_one_line_with_the_models_that_it_is_true_of():
    for cause, models in causes(ROWS):
        assert models
        assert "\n" not in cause


def test_front_ends_are_measured_against_the_frameworks_own():
    found = by_front_end(ROWS)
    assert {"torch.fx", "torch.jit", "torch.export"} <= found.keys()
    assert all(held.also <= held.bare <= held.tried for held in found.values())
