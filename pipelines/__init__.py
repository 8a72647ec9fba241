"""What moves data: read, validate, prepare, package, store, publish, catalogues, worker, command line."""
