"""The graphlens command: one small module a subcommand, nothing heavy imported before its turn."""

from graphlens.cli.command import main

__all__ = ["main"]
