"""Database tables and migrations. `engine` opens; every `*tables` module adds tables to the one `metadata`."""
