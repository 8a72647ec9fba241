"""Row store: pre-rendered rows in one memory-mapped file, and indexes that find row numbers only."""
