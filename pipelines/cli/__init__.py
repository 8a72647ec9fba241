"""Command line `gongkai`. Exit codes: 0 ok, 1 refused, 2 usage or configuration, 3 a dependency failed."""

from pipelines.cli.main import main

__all__ = ["main"]
