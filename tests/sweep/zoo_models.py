"""Small models that behave and misbehave, for the tests of the sweep: ``zoo_models.py:NAME``."""

from __future__ import annotations

import gc
import os
import sys
import time

import torch


class Plain(torch.nn.Module):
    """A layer and a ReLU."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layer = torch.nn.Linear(4, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.layer(self.before(x)))

    def before(self, x: torch.Tensor) -> torch.Tensor:
        """What a misbehaving one does first."""
        return x


class Rude(Plain):
    """Prints, and leaves processes behind."""

    def before(self, x):
        print("a line of its own")
        print("another", file=sys.stderr)
        os.write(1, b"and one past Python\n")
        if os.fork() == 0:
            time.sleep(100)
        return x


class Raises(Plain):
    def before(self, x):
        raise ValueError("a shape\nthat does not fit")


class NeedsGpu(Plain):
    def before(self, x):
        return x.cuda()


class Fat(Plain):
    def before(self, x):
        self.kept = [torch.ones(1 << 22) for _ in range(1000)]
        return x


class Slow(Plain):
    def before(self, x):
        time.sleep(1000)
        return x


class Counts(Plain):
    """Says how much of what it was born with its garbage collector leaves alone."""

    def before(self, x):
        raise ValueError(f"{gc.get_freeze_count()} objects")


class Ends(Plain):
    def before(self, x):
        os._exit(3)


class Aborts(Plain):
    """Only under torch.jit.trace: what was found before that must not be lost."""

    def before(self, x):
        if torch._C._is_tracing():
            os.abort()
        return x


class Foreign(Plain):
    """An op that ONNX has not."""

    def before(self, x):
        return torch.special.i1e(x)


class Random(Plain):
    """Gives other outputs at every run."""

    def before(self, x):
        return x + torch.rand_like(x)


class Amplifies(torch.nn.Module):
    """Makes any amount of the last digit of what it computes, and has an op to get wrong."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layer = torch.nn.Linear(256, 256)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.sin(1e7 * torch.nn.functional.softsign(self.layer(x)))


def amplifies():
    return Amplifies().eval(), torch.rand(32, 256)


def _maker(kind):
    return lambda: (kind().eval(), torch.rand(2, 4))


rude, raises = map(_maker, (Rude, Raises))
needs_gpu, fat, slow, ends = map(_maker, (NeedsGpu, Fat, Slow, Ends))
aborts, foreign, random, counts = map(_maker, (Aborts, Foreign, Random, Counts))


def quits():
    sys.exit("it quits")
