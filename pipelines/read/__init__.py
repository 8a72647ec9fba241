"""Read a source file: its format, encoding, digest, and its records as plain cells, with bounded memory."""

from pipelines.read.source import SourceTable, checked_file_name, read_source

__all__ = ["SourceTable", "checked_file_name", "read_source"]
