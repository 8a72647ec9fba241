"""Words the rules of names go by: surnames, labels, titles and words that are no names."""

from pathlib import Path


def words(file: str) -> list[str]:
    """The words of a file beside this module; lines with # are notes."""
    lines = (Path(__file__).parent / file).read_text("utf-8").splitlines()
    return [word for line in lines if not line.startswith("#") for word in line.split()]


_SURNAMES = words("surnames.txt")
COMPOUND = tuple(s for s in _SURNAMES if len(s) == 2)
SINGLE = frozenset("".join(s for s in _SURNAMES if len(s) > 2))
NOT_NAMES = frozenset(words("not_names.txt"))
