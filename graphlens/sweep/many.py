"""A sweep: what is still to be done of many models, done, and the table that grows meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from graphlens import registry
from graphlens.errors import UsageError
from graphlens.sweep import sets, table
from graphlens.sweep.pool import pool
from graphlens.sweep.row import Row
from graphlens.sweep.spec import Spec, Task, unique


@dataclass(frozen=True, slots=True)
class Choice:
    """Which of the models are done.

    Attributes:
        only: A pattern of the shell (``resnet*``) that ``set:model`` or the model must fit.
        limit: At most so many of each set.
        fresh: Do all anew, whatever the table has.
        retry: Do those again that are in the table and are not sound.
    """

    only: str = ""
    limit: int | None = None
    fresh: bool = False
    retry: bool = False


def asked(names: Iterable[str], choice: Choice) -> list[Spec]:
    """The models that are meant by names of sets and of models.

    Raises:
        UsageError: If two have one name, or the pattern fits none.
    """
    names = list(names)
    found: list[Spec] = []
    for name in names:
        whole = sets.specs(name) if name in sets.SETS else [_single(name)]
        kept = [spec for spec in whole if _fits(spec, choice.only)]
        found += kept[: choice.limit]
    if choice.only and not found:
        raise UsageError(
            f"no model of {', '.join(names)} fits {choice.only!r}: expected a pattern of the "
            "shell, such as 'resnet*'"
        )
    return unique(found)


def _single(name: str) -> Spec:
    return Spec("file" if name.endswith(".onnx") else "model", name)


def _fits(spec: Spec, only: str) -> bool:
    return not only or any(fnmatch(name, only) for name in (spec.model, str(spec)))


def sweep(
    specs: Sequence[Spec],
    task: Task | None = None,
    *,
    path: str | Path | None = None,
    jobs: int = 1,
    scheduler: str = "",
    choice: Choice | None = None,
    on_row: Callable[[Row, int, int], None] = lambda row, done, of: None,
) -> list[Row]:
    """Do what is asked with many models, each in a process of its own.

    Args:
        specs: The models.
        task: What to do with each, and the limits of its process.
        path: A ``.jsonl`` file that the rows are added to as they come. A model that has a row in
            it of the same stages or more is not done again.
        jobs: Models at a time.
        scheduler: Address of a Dask scheduler, ``'tcp://...'``: its workers do the models.
        choice: Which are done again.
        on_row: Called with each row, its number and how many there will be.

    Returns:
        The rows of the models asked for, in their order.

    Raises:
        UsageError: If two models have one name, or the file cannot be written.
    """
    task, choice = task or Task(), choice or Choice()
    specs = unique(specs)
    file = Path(path) if path is not None else None
    known = {} if file is None or choice.fresh else table.read(file)
    left = [spec for spec in specs if _is_left(known.get(spec), task, choice)]
    growing = table.Growing(file, known)
    made = _cluster(scheduler)(left, task) if scheduler else pool(left, task, jobs)
    try:
        for number, row in enumerate(made, 1):
            growing.add(row)
            on_row(row, number, len(left))
    finally:
        made.close()
        growing.close()
    return [growing.rows[spec] for spec in specs]


def _is_left(row: Row | None, task: Task, choice: Choice) -> bool:
    if row is None:
        return True
    return not set(task.stages) <= set(row.stages) or (choice.retry and not row.sound)


def _cluster(scheduler: str) -> Callable[[Sequence[Spec], Task], Generator[Row]]:
    return registry.load("graphlens.sweep.cluster:on_cluster")(scheduler)
