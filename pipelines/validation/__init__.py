"""Validation of source tables: frictionless's verdicts, fast, in words that say what to do."""
