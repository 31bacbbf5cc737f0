"""A sweep on a real cluster of processes: a lost worker loses no model, and none is done twice."""

from __future__ import annotations

import os
import signal

import numpy as np
import onnx
import pytest

pytest.importorskip("psutil")
distributed = pytest.importorskip("distributed")

from onnx import TensorProto, helper, numpy_helper  # noqa: E402

from graphlens.errors import UsageError  # noqa: E402
from graphlens.sweep import Task, asked, sweep, table  # noqa: E402
from graphlens.sweep.many import Choice  # noqa: E402

TASK = Task(stages=("capture", "run"), seconds=100)


@pytest.fixture
def files(tmp_path):
    """Ten models ``MatMul(x, W)`` as files."""
    paths = []
    for number in range(10):
        weight = numpy_helper.from_array(np.full((4, 3), number, np.float32), "W")
        ends = [helper.make_tensor_value_info(n, TensorProto.FLOAT, s)
                for n, s in (("x", [2, 4]), ("y", [2, 3]))]  # fmt: skip
        node = helper.make_node("MatMul", ["x", "W"], ["y"])
        graph = helper.make_graph([node], "line", ends[:1], ends[1:], [weight])
        paths.append(str(tmp_path / f"{number}.onnx"))
        onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)]), paths[-1])
    return paths


@pytest.mark.filterwarnings("ignore")  # Dask's own, of ports and of the worker that is lost
def test_the_models_of_a_lost_worker_are_done_again(files, tmp_path):
    specs = asked(files, Choice())
    seen, lost = [], []
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, nanny=False
    ) as cluster:

        def note(row, done, left):
            seen.append(row.model)
            if not lost:
                with distributed.Client(cluster.scheduler_address, set_as_default=False) as client:
                    held = client.run(os.getpid)
                    lost.append(min(held.values()))
                os.kill(lost[0], signal.SIGKILL)

        rows = sweep(
            specs,
            TASK,
            path=tmp_path / "table.jsonl",
            scheduler=cluster.scheduler_address,
            on_row=note,
        )
    assert lost
    assert sorted(seen) == files
    assert [row.model for row in rows] == files
    assert {row.status for row in rows} == {"equal"}, [row.line() for row in rows]
    assert len((tmp_path / "table.jsonl").read_text().splitlines()) == len(files)
    assert list(table.read(tmp_path / "table.jsonl")) != []


def test_two_workers_share_the_models(files):
    rows = sweep(asked(files[:4], Choice()), TASK, jobs=2)
    assert [(row.model, row.status) for row in rows] == [(path, "equal") for path in files[:4]]


def test_a_scheduler_that_is_not_there_is_a_clear_error(files):
    with pytest.raises(UsageError, match=r"no Dask scheduler answers at 'tcp://127\.0\.0\.1:9'"):
        sweep(asked(files[:1], Choice()), TASK, scheduler="tcp://127.0.0.1:9")
