"""Imports every module that defines tables, so that `metadata` is whole."""

from governance.database import catalogue_tables, dataset_tables, decision_tables

__all__ = ["catalogue_tables", "dataset_tables", "decision_tables"]
