"""Many models on this machine: some workers, each in a thread that waits for its process."""

from __future__ import annotations

import queue
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed

from graphlens.sweep.row import Row
from graphlens.sweep.spec import Spec, Task
from graphlens.sweep.worker import Worker


def pool(specs: Sequence[Spec], task: Task, jobs: int) -> Generator[Row]:
    """The rows of all models, in the order in which they are done.

    Args:
        specs: The models; those of one set one after the other share a process.
        task: What is done with each.
        jobs: How many at a time.
    """
    workers = [Worker() for _ in range(jobs)]
    idle: queue.LifoQueue[Worker] = queue.LifoQueue()
    for worker in workers:
        idle.put(worker)

    def do(spec: Spec) -> Row:
        worker = idle.get()
        try:
            return worker.do(spec, task)
        finally:
            idle.put(worker)

    with ThreadPoolExecutor(jobs) as threads:
        futures = [threads.submit(do, spec) for spec in specs]
        try:
            for future in as_completed(futures):
                yield future.result()
        finally:
            for future in futures:
                future.cancel()
            for worker in workers:
                worker.stop()
