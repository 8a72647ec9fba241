"""Nouns of Gongkai: domain types and the registry of published table schemas.

This package imports nothing of ours; every other package imports it.
"""
