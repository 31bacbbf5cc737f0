"""``graphlens completion``: the shell's completion, by argcomplete, which nothing else imports."""

from __future__ import annotations

import argparse
from collections.abc import Mapping

from graphlens import registry
from graphlens.cli import arguments as common
from graphlens.cli import output


def add(commands: common.Commands) -> None:
    """Add the subcommand."""
    made = common.add(commands, "completion", "print the completion script for a shell", call)
    made.add_argument("shell", choices=("bash", "zsh", "fish"))
    made.epilog = 'in bash: eval "$(graphlens completion bash)"'


def call(arguments: argparse.Namespace) -> None:
    """Carry it out."""
    shellcode = registry.load("argcomplete:shellcode")
    output.say(shellcode(["graphlens"], shell=arguments.shell))


def wanted(environment: Mapping[str, str]) -> bool:
    """Whether the shell is asking what could come next, rather than running the command."""
    return "_ARGCOMPLETE" in environment


def answer(parser: argparse.ArgumentParser) -> int:
    """Tell the shell what could come next; argcomplete ends the process with it."""
    registry.load("argcomplete:autocomplete")(parser)
    return 0
