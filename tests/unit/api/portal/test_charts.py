"""Where the marks of the curve of privacy over usefulness stand."""

from typing import Any

import pytest

from api.portal.charts import BOTTOM, LEFT, RIGHT, TOP, tradeoff_curve


def point(k: int, loss: float, risk: float | None) -> dict[str, Any]:
    return {"k": k, "feasible": risk is not None, "loss": loss, "highest_risk": risk}


def test_safer_is_lower_and_more_useful_is_further_right() -> None:
    curve = tradeoff_curve([point(3, 0.1, 0.33), point(5, 0.2, 0.2), point(10, 0.4, 0.1)])
    assert curve is not None
    three, five, ten = curve.marks
    assert three.x > five.x > ten.x
    assert three.y < five.y < ten.y
    assert curve.path.startswith(f"M{ten.x} {ten.y}")
    for mark in curve.marks:
        assert LEFT <= mark.x <= RIGHT
        assert TOP <= mark.y <= BOTTOM
        assert 0 < mark.label_x < 320


@pytest.mark.parametrize(
    "points", [[], [point(3, 0.1, 0.3)], [point(3, 0.1, 0.3), point(5, 0.2, None)]], ids=["none", "one", "one-reached"]
)
def test_fewer_than_two_points_make_no_curve(points: list[dict[str, Any]]) -> None:
    assert tradeoff_curve(points) is None


@pytest.mark.parametrize("loss", [0.0, 0.5, 1.0])
def test_equal_losses_still_make_a_plane(loss: float) -> None:
    curve = tradeoff_curve([point(3, loss, 0.33), point(5, loss, 0.2)])
    assert curve is not None
    assert curve.across[-1].share - curve.across[0].share == pytest.approx(0.1)
    assert curve.across[0].share >= 0
    assert curve.across[-1].share <= 1
