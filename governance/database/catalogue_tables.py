"""Tables of the embedded catalogue."""
