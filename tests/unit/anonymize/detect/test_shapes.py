"""Shapes of cells in words."""

import numpy as np
import polars as pl
import pytest

from anonymize.shapes import count_shapes, shapes_of


@pytest.mark.parametrize(
    ("cell", "shape"),
    [
        ("123456789012345678", "18 digits"),
        ("12345678901234567X", "17 digits + X"),
        ("12345678901234567x", "17 digits + X"),
        ("1234567890123456X", "16 digits + 1 letters"),
        ("王小明", "3 Han"),
        ("１２３", "3 digits"),
        ("2023-01-02", "4 digits + - + 2 digits + - + 2 digits"),
        ("a@b.cn", "1 letters + @ + 1 letters + . + 2 letters"),
        ("A1B2C3", "6 letters and digits"),
        ("张三，李四", "2 Han + 1 signs + 2 Han"),
        ("", "empty"),
        ("申请人张三，电话1381234，邮箱a@b.cn，已办结", "text of 20–39 characters"),
    ],
)
def test_a_cell_has_this_shape(cell: str, shape: str) -> None:
    texts = pl.Series([cell, "", cell])
    assert count_shapes(shapes_of(texts), np.array([2, 0, 1])) == {shape: 3} | ({} if cell == "" else {"empty": 0})
