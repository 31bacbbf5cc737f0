"""Many models on a cluster: Dask's scheduler hands them out, and again where a worker is lost."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence

from distributed import Client, as_completed, get_worker
from distributed.scheduler import KilledWorker

from graphlens.errors import UsageError
from graphlens.sweep.row import Row, told
from graphlens.sweep.spec import Spec, Task
from graphlens.sweep.worker import Worker

_KEPT = "graphlens_sweep_worker"
"""The attribute of a Dask worker that keeps our own process from one model to the next."""


def on_cluster(address: str) -> Callable[[Sequence[Spec], Task], Generator[Row]]:
    """The function that does models on the cluster of that scheduler.

    Args:
        address: ``'tcp://host:port'``.

    Raises:
        UsageError: If no scheduler answers there.
    """

    def rows(specs: Sequence[Spec], task: Task) -> Generator[Row]:
        try:
            client = Client(address, timeout="5s", set_as_default=False)
        except (OSError, ValueError) as error:
            raise UsageError(
                f"no Dask scheduler answers at {address!r}: {error}; start one with "
                "'dask scheduler' and workers with 'dask worker ADDRESS --nthreads 1'"
            ) from error
        with client:
            yield from _rows(client, specs, task)

    return rows


def _rows(client: Client, specs: Sequence[Spec], task: Task) -> Generator[Row]:
    """Each row once, whoever did it; the futures of what is left are given up at the end."""
    # What a model is must not be guessed from its name by the scheduler: each has a key of its own,
    # and is pure only within this sweep, so that a second one does it again.
    futures = {client.submit(_do, spec, task.form(), pure=False, retries=2): spec for spec in specs}
    try:
        for future in as_completed(list(futures), loop=client.loop):
            spec = futures[future]
            error = future.exception()
            if error is None:
                yield future.result()
            elif isinstance(error, KilledWorker):
                reason = "every worker that it was given to was lost"
                yield Row(spec.set, spec.model, "died", reason, list(task.stages))
            else:
                yield Row(spec.set, spec.model, "died", told(error), list(task.stages))
    finally:
        client.cancel(list(futures))


def _do(spec: Spec, form: dict[str, object]) -> Row:
    """In a Dask worker: one model, in a process forked from one that the worker keeps."""
    holder = get_worker()
    worker: Worker | None = getattr(holder, _KEPT, None)
    if worker is None:
        worker = Worker()
        setattr(holder, _KEPT, worker)
    return worker.do(spec, Task.of(form))
