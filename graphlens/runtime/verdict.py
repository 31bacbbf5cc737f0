"""What the outputs of a second graph on one set of inputs say of it (see `prove`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from graphlens.errors import RunError
from graphlens.runtime.compare import errors, most_allowed, tolerance
from graphlens.runtime.feeds import flat
from graphlens.runtime.proof import Proof
from graphlens.runtime.run import Runner
from graphlens.runtime.session import NoKernelError

_UNITS = 8.0
"""An error that so many times moving all weights by one unit in the last place explains."""


@dataclass(frozen=True)
class Case:
    """One set of inputs and what the graph to compare with made of it."""

    title: str
    inputs: tuple[np.ndarray, ...]
    outputs: tuple[np.ndarray, ...]


@dataclass(frozen=True)
class Scale:
    """What an error is measured by.

    Attributes:
        depth: The longest path of operations of either graph.
        least: The smallest magnitude that the error of each output is related to.
        sensitivity: How much each output hangs on rounding (`conditioning.sensitivity`), when
            that is asked for.
    """

    depth: int
    least: Sequence[float]
    sensitivity: Callable[[], Sequence[float]]


def judge(case: Case, runner: Runner, scale: Scale) -> Proof:
    """What the second graph's outputs say; 'unproven' with an error where they do not tell."""
    try:
        outputs = flat(runner(*case.inputs))
    except NoKernelError as error:
        return Proof("unproven", reason=str(error), worst=case.title)
    except RunError as error:
        told = f"it fails on inputs that the other graph takes: {error}"
        return _refuted(case, told)
    if len(outputs) != len(case.outputs):
        return _refuted(case, f"{len(outputs)} tensors on {case.title}, not {len(case.outputs)}")
    worst = Proof("proven", 0.0, 0.0, f"run on {case.title}", case.title, 0, 0.0, case.inputs)
    for index, (expected, found) in enumerate(zip(case.outputs, outputs, strict=True)):
        proof = _judge_output(case, index, expected, found, scale)
        if proof.status == "refuted":
            return proof
        if _order(proof) > _order(worst):
            worst = proof
    return worst


def is_final(proof: Proof) -> bool:
    """Whether no other inputs change anything: it is refuted, or cannot be run."""
    return proof.status == "refuted" or (proof.status == "unproven" and proof.max_rel_error is None)


def together(proofs: Sequence[Proof]) -> Proof:
    """The verdict of several sets of inputs, the most ordinary first.

    Those that do not tell are left out, but the first has to: on zeros alone many are equal.
    """
    told = [proof for proof in proofs if proof.status == "proven"]
    unclear = [proof for proof in proofs if proof.status == "unproven"]
    if unclear[:1] == proofs[:1]:
        return max(unclear, key=score, default=Proof("proven", 0.0, 0.0))
    worst = max(reversed(told), key=score)
    if not unclear:
        return worst
    return replace(worst, reason=f"{worst.reason}; nothing is told by {unclear[0].reason}")


def _refuted(case: Case, reason: str, index: int = 0) -> Proof:
    return Proof("refuted", reason=reason, worst=case.title, worst_output=index, inputs=case.inputs)


def _judge_output(
    case: Case, index: int, expected: np.ndarray, found: np.ndarray, scale: Scale
) -> Proof:
    where = f"output {index} on {case.title}"
    if expected.dtype != found.dtype or expected.shape != found.shape:
        told = f"{found.dtype}{list(found.shape)}, expected {expected.dtype}{list(expected.shape)}"
        return _refuted(case, f"{where} is {told}", index)
    allowed = tolerance(expected.dtype, scale.depth)
    absolute, relative = errors(expected, found, scale.least[index])
    reason = f"{where}: relative error {relative:.3g}, allowed {allowed:.3g}"
    given = case.title, index, allowed, case.inputs
    if relative <= allowed:
        return Proof("proven", absolute, relative, reason, *given)
    own = scale.sensitivity()[index]
    reason += f"; its weights moved by one unit in the last place change it by {own:.3g}"
    proof = Proof("refuted", absolute, relative, reason, *given)
    if relative > _UNITS * own:
        return proof
    allowed = min(_UNITS * own, most_allowed(expected.dtype))
    if relative <= allowed:
        return replace(proof, status="proven", tolerance=allowed)
    return replace(proof, status="unproven")


def _order(proof: Proof) -> tuple[bool, float]:
    return proof.status == "unproven", score(proof)


def score(proof: Proof) -> float:
    """How close an output came to what is allowed: dtypes differ in what an error means."""
    relative = proof.max_rel_error or 0.0
    return relative / proof.tolerance if proof.tolerance else relative
