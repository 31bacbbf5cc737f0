"""Whatever a model does, the sweep goes on and the model's row says what it was, in one line."""

from __future__ import annotations

import signal
import threading
import time
from pathlib import Path

import psutil
import pytest

pytest.importorskip("torch")

from graphlens.sweep import Spec, Task, sets
from graphlens.sweep.row import LONGEST
from graphlens.sweep.worker import Worker

pytestmark = pytest.mark.torch

HERE = Path(__file__).with_name("zoo_models.py")
TASK = Task(stages=("capture", "run"), vias=("torch.fx",), seconds=100, bare=False)


@pytest.fixture(scope="module")
def worker():
    made = Worker()
    yield made
    made.close()


def row_of(worker, name, **limits):
    task = Task(**{**TASK.form(), "stages": TASK.stages, **limits})
    return worker.do(Spec("model", f"{HERE}:{name}"), task)


def test_a_model_that_prints_and_forks_is_captured_like_any_other(worker):
    row = row_of(worker, "rude")
    assert row.status == "equal", row.line()
    assert row.frontends["torch.fx"]["nodes"] == 4
    assert row.peak_bytes > 0


def test_what_a_model_is_born_with_is_not_gone_through_for_garbage(worker):
    row = row_of(worker, "counts")
    count = int(row.reason.removeprefix("ValueError: ").split()[0])
    assert count > 100_000  # torch alone


@pytest.mark.parametrize(
    ("name", "status", "reason"),
    [
        ("raises", "not built", "ValueError: a shape that does not fit"),
        ("needs_gpu", "not built", "CUDA"),
        ("ends", "died", "exit code 3"),
        ("quits", "died", "it quits"),
    ],
)
def test_a_model_that_does_not_run_is_a_row_with_its_own_reason(worker, name, status, reason):
    row = row_of(worker, name)
    assert row.status == status
    assert reason in row.reason
    assert "\n" not in row.reason
    assert len(row.reason) <= LONGEST


def test_a_model_over_its_memory_is_ended(worker):
    row = row_of(worker, "fat", memory=1_200_000_000)
    assert row.status == "over memory"
    assert row.reason == "over 1.2 GB (the framework was running it)"


def test_a_model_over_its_time_is_ended(worker):
    row = row_of(worker, "slow", seconds=5)
    assert row.status == "over time"
    assert row.reason.startswith("over 5 s (")


def test_what_was_found_before_a_crash_is_kept(worker):
    row = row_of(worker, "aborts", vias=("torch.fx", "torch.jit"))
    assert row.status == "died"
    assert "SIGABRT (torch.jit: it was being captured)" in row.reason
    assert row.frontends["torch.fx"]["status"] == "equal"


def test_ops_outside_the_vocabulary_are_counted(worker):
    row = row_of(worker, "foreign")
    entry = row.frontends["torch.fx"]
    assert entry["foreign"] == {"aten.special_i1e": 1}
    assert not row.sound


def test_a_model_that_is_random_is_told_from_one_that_is_wrong(worker):
    row = row_of(worker, "random")
    assert row.status == "random"
    assert not row.built
    assert row.frontends["torch.fx"]["reason"] == "two runs of the framework itself differ"


def test_a_process_that_hangs_is_ended_with_the_model_that_it_is_at(tmp_path):
    late = tmp_path / "late.py"
    late.write_text("import time\n\ndef slow():\n    time.sleep(1000)\n")
    worker, rows = Worker(), []
    doing = threading.Thread(
        target=lambda: rows.append(worker.do(Spec("model", f"{late}:slow"), TASK))
    )
    doing.start()
    children = []
    while not children:  # the nursery, then the model that it has forked
        time.sleep(0.05)
        if worker._process is not None:
            children = psutil.Process(worker._process.pid).children()
    worker._process.send_signal(signal.SIGSTOP)
    worker.stop()
    doing.join(30)
    assert not doing.is_alive()
    assert rows[0].status == "died"
    _, alive = psutil.wait_procs(children, timeout=10)
    assert alive == []


def test_a_worker_whose_process_is_lost_says_so_and_starts_another():
    worker = Worker()
    try:
        worker._ready(sets.named("file"))
        worker._process.kill()
        worker._process.wait()
        spec = Spec("file", "nowhere.onnx")
        assert worker.do(spec, TASK).status == "died"
        assert worker.do(spec, TASK).status == "not built"
    finally:
        worker.close()
