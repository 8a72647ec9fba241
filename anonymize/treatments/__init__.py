"""Treatments of single columns, one family per module. Columns in, columns out; nulls stay null."""
