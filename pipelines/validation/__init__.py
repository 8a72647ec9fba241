"""Validation of source tables: frictionless's verdicts, fast, in words that say what to do."""

from pipelines.validation.validate import ValidatedTable, validate_table

__all__ = ["ValidatedTable", "validate_table"]
