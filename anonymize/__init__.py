"""Pure de-identification: tables in, tables and reports out. No network, no database, no settings."""
