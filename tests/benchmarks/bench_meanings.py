"""Speed of the meaning kernels on a million random values of the right shape: values per second of processor time, so
that other work on the machine counts less."""

import time

import numpy as np
import pyarrow as pa

from anonymize.datums import convert
from pipelines.validation.conformance import full_width, surrounded
from pipelines.validation.meanings import BLOCK, check_meaning, checked_meanings
from pipelines.validation.rules import HeldKeys
from tests.benchmarks import Row

VALUES = 1_000_000
GOAL = 1_000_000


def run() -> list[Row]:
    samples = _samples(np.random.default_rng(7))
    missing = {m.value for m in checked_meanings()} - set(samples)
    if missing:
        raise LookupError(f"no sample for {missing}")
    rows = [_measured(f"meaning {name}", values, {"name": "f", "meaning": name}) for name, values in samples.items()]
    at = pa.array(np.random.default_rng(8).integers(3650, 20000, VALUES).astype(np.int32), pa.date32())
    codes = {"name": "f", "meaning": "division-code", "valid_on_field": "day"}
    rows.append(_measured("meaning division-code by the row's date", samples["division-code"], codes, at))
    x, y = np.random.default_rng(9).uniform(75, 130, VALUES), np.random.default_rng(9).uniform(5, 50, VALUES)
    for source, target in (("WGS84", "GCJ-02"), ("GCJ-02", "BD-09"), ("GCJ-02", "WGS84")):
        start = time.process_time()
        convert(x, y, source, target)
        rows.append(_row(f"coordinates {source} to {target}", VALUES / (time.process_time() - start)))
    return [*rows, *_warnings_and_references(samples)]


def _warnings_and_references(samples: dict[str, pa.Array]) -> list[Row]:
    """Cells per second looked at for warnings, and keys per second looked up in a million of another dataset."""
    words = pa.array([f"登记事项，说明{number}" for number in range(VALUES)])
    rows = []
    for kind, kernel in (("surrounding spaces", surrounded), ("full-width characters", full_width)):
        for name, cells in (("numbers", samples["money"]), ("words", words)):
            start = time.process_time()
            for first in range(0, VALUES, BLOCK):
                kernel(cells.slice(first, BLOCK))
            rows.append(_row(f"warning {kind}, {name}", VALUES / (time.process_time() - start)))
    held = HeldKeys([samples["bank-card"]])
    start = time.process_time()
    for first in range(0, VALUES, BLOCK):
        held.lacks([samples["bank-card"].slice(first, BLOCK)])
    rate = VALUES / (time.process_time() - start)
    return [*rows, Row("rule reference, a million keys", f"{rate / 1e6:.1f} M rows/s per core")]


def _measured(name: str, values: pa.Array, field: dict[str, str], at: pa.Array | None = None) -> Row:
    check_meaning(values.slice(0, 10), field, None if at is None else at.slice(0, 10))
    start = time.process_time()
    check_meaning(values, field, at)
    return _row(name, len(values) / (time.process_time() - start))


def _row(name: str, rate: float) -> Row:
    return Row(name, f"{rate / 1e6:.1f} M values/s per core", "≥ 1 M values/s", rate >= GOAL)


def _samples(random: np.random.Generator) -> dict[str, pa.Array]:
    def digits(width: int, prefix: str = "") -> pa.Array:
        block = random.integers(48, 58, (VALUES, width - len(prefix)), dtype=np.uint8)
        first = np.tile(np.frombuffer(prefix.encode(), np.uint8), (VALUES, 1))
        bytes_ = np.ascontiguousarray(np.hstack([first, block]))
        return pa.array(bytes_.view(f"S{width}").ravel().astype(f"U{width}"))

    day = pa.array(random.integers(-20000, 20000, VALUES).astype(np.int32), pa.date32())
    return {
        "resident-id": digits(18, "11010119900307"),
        "uscc": digits(18, "91110000"),
        "organisation-code": digits(9),
        "bank-card": digits(19, "62"),
        "division-code": digits(6, "11"),
        "postcode": digits(6),
        "date-compact": pa.array(np.char.replace(np.asarray(day.cast(pa.string())).astype("U10"), "-", "")),
        "longitude": pa.array(random.uniform(70, 140, VALUES)),
        "latitude": pa.array(random.uniform(0, 60, VALUES)),
        "money": pa.array(np.char.mod("%.2f", random.uniform(0, 1e6, VALUES))),
        "mobile": digits(11, "138"),
        "landline": digits(11, "0216"),
        "plate": pa.array(np.char.add("京A", np.asarray(digits(5)).astype("U5"))),
        "telephone": _telephones(random),
        "passport": digits(9, "E"),
        "travel-permit": digits(11, "H"),
        "military-id": pa.array(np.char.add(np.char.add("军字第", np.asarray(digits(7)).astype("U7")), "号")),
        "social-security-number": digits(18, "11010119900307"),
        "provident-fund-number": digits(13, "1101"),
        "ip-address": _addresses(random),
        "mac-address": pa.array([_joined(o, "02X", ":") for o in random.integers(0, 256, (VALUES, 6)).tolist()]),
        "wechat": pa.array(np.char.add("wx_", np.asarray(digits(8)).astype("U8"))),
        "qq": digits(9, "1"),
        "age": pa.array(random.integers(0, 120, VALUES)),
        "date-of-birth": day,
        "email": pa.array(np.char.add(np.asarray(digits(8)).astype("U8"), "@example.com")),
    }


def _telephones(random: np.random.Generator) -> pa.Array:
    """Half of them national, half international with brackets and an extension in every eighth."""
    numbers = random.integers(10**9, 10**10, VALUES)
    forms = ("0{0}", "{0}", "+44 (0){0}", "+33 {0}", "+86 10 {1}", "+1 {0}", "010-{1}", "010-{1}转801")
    return pa.array([forms[n & 7].format(n, 60_000_000 + n % 10_000_000) for n in numbers.tolist()])


def _addresses(random: np.random.Generator) -> pa.Array:
    """Half of them IPv4, half IPv6."""
    octets, groups = random.integers(0, 256, (VALUES // 2, 4)), random.integers(0, 1 << 16, (VALUES // 2, 8))
    return pa.array([_joined(o, "d", ".") for o in octets.tolist()] + [_joined(g, "x", ":") for g in groups.tolist()])


def _joined(numbers: list[int], form: str, separator: str) -> str:
    return separator.join(format(number, form) for number in numbers)
