"""Names of a spreadsheet's columns and cells."""


def column_letters(position: int) -> str:
    """Letters of a column, from 1: 1 → A, 28 → AB."""
    letters = ""
    while position > 0:
        position, rest = divmod(position - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def column_number(letters: bytes) -> int:
    """The position of a column, from 1, by its letters."""
    number = 0
    for letter in letters.upper():
        number = number * 26 + letter - 64
    return number


def cell_name(row: int, column: int) -> str:
    """Both from 1: (2, 28) → AB2."""
    return f"{column_letters(column)}{row}"
