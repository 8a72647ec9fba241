"""How far work is: pace from the start of a step, and what reading tells."""

import gzip
import zipfile
from pathlib import Path

import pytest

from pipelines.progress import Pace, Pacer, Progress
from pipelines.read import read_source
from pipelines.read import source as source_module


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_pace_is_told_from_the_start_of_a_step() -> None:
    clock = Clock()
    pace = Pacer(clock)
    assert pace(Progress("validate", 0.0)) == Pace()
    clock.now += 0.49
    assert pace(Progress("validate", 0.1, 1000, 10)) == Pace()
    clock.now += 1.51
    assert pace(Progress("validate", 0.25, 4000, 40)) == Pace(2000, 20, 6.0)
    clock.now += 10
    assert pace(Progress("detect")) == Pace()
    clock.now += 1
    assert pace(Progress("detect")) == Pace()  # nothing is counted in this step


def test_a_step_that_begins_anew_has_a_new_pace() -> None:
    clock = Clock()
    pace = Pacer(clock)
    pace(Progress("validate", 0.5, 5000, 50))
    clock.now += 10
    assert pace(Progress("validate", 0.1, 1000, 10)) == Pace()
    clock.now += 1
    assert pace(Progress("validate", 0.2, 2000, 20)) == Pace(2000, 20, 4.0)


def test_no_end_is_foretold_too_early_or_where_nobody_knows_the_whole() -> None:
    clock = Clock()
    pace = Pacer(clock)
    pace(Progress("validate"))
    clock.now += 2
    assert pace(Progress("validate", 0.019, 10, 1)).seconds_left is None
    assert pace(Progress("validate", 0.02, 10, 1)).seconds_left == pytest.approx(98)
    assert pace(Progress("validate", None, 10, 2)) == Pace(5, 1, None)


@pytest.mark.parametrize("kind", ["plain", "gz", "zip"])
def test_reading_tells_its_share(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    monkeypatch.setattr(source_module, "CHUNK", 1 << 16)
    text = ("id,name\n" + "".join(f"{i},{i * 7919 % 104729}\n" for i in range(200_000))).encode()
    path = tmp_path / "a.csv"
    if kind == "plain":
        path.write_bytes(text)
    elif kind == "gz":
        path = tmp_path / "a.csv.gz"
        path.write_bytes(gzip.compress(text))
    else:
        path = tmp_path / "a.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("a.csv", text)
    told: list[Progress] = []
    read_source(path, progress=told.append)
    shares = [now.share or 0.0 for now in told]
    assert {now.stage for now in told} == {"read"}
    assert shares == sorted(shares)
    assert (shares[-1], told[-1].bytes, len(told) >= 30) == (1.0, len(text), True)
    if kind != "plain":
        assert any(0.1 < share < 0.45 for share in shares)
