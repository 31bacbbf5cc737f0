"""Files from strangers, each through all that a user does with one, in limited time and memory."""

import json
import os
import subprocess
import sys
from pathlib import Path

import hostile
import pytest


def endings(files, folder, size):
    """How the treatment of each file ended, in a child of ``size`` bytes and 20 seconds."""
    for name, content in files:
        (folder / f"{name[:120]}.onnx").write_bytes(content)
    victim = Path(hostile.__file__)
    done = subprocess.run(
        [sys.executable, victim, folder, str(size)],
        capture_output=True,
        text=True,
        check=True,
        timeout=3000,
        env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},  # it forks
    )
    return json.loads(done.stdout)


def failures(ended):
    return {name: told for name, told in ended.items() if "FAILED" in told}


def test_files_made_to_hurt_end_in_a_clear_message(tmp_path):
    ended = endings([*hostile.crafted(), *hostile.mutated(3)], tmp_path, 2**30)
    assert failures(ended) == {}
    told = {name.removesuffix(".onnx"): text for name, text in ended.items()}
    assert "has a cycle" in told["cycle"]
    assert "calls itself" in told["recursive"]
    assert "only files inside of the model's folder" in told["outside"]
    assert "(Loop) has no end" in told["endless"]
    assert "truncated" in told["cut_100"]
    assert told["doubling"].startswith("draw; no run: ")
    assert told["deep"] == "draw; run; plan; optimize; save"


@pytest.mark.zoo
def test_a_hundred_changed_files_end_in_a_clear_message(tmp_path):
    ended = endings([*hostile.crafted(), *hostile.mutated(100, seed=7)], tmp_path, 4 * 2**30)
    refused = sum(told.startswith("refused") for told in ended.values())
    print(f"{len(ended)} files, {refused} refused, none hung, crashed or filled the memory")
    assert failures(ended) == {}
    assert 30 < refused < len(ended)
