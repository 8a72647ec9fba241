"""One module per agency's field; every function returns the rows of one source file."""

from typing import Any

Row = dict[str, Any]
