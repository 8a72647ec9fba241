"""The sample city 澜川市 (Lanchuan): invented datasets, written by a seeded generator."""
