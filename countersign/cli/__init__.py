"""The command line: `countersign COMMAND`; every command has --json, and exit codes that a pipeline can act on."""

from countersign.cli.main import main

__all__ = ["main"]
