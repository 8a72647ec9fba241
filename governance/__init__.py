"""Decisions by people, as events; clocks, letters, accounts, the audit and transparency logs, database tables."""
