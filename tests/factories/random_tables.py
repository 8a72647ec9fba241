"""Random table files with random schemas, from a seed: every field type, constraint, dialect option and encoding."""

import csv
import io
import json
import random
from pathlib import Path
from typing import Any, NamedTuple


def words(text: str, *others: str) -> list[str]:
    """The words of a text, and other cells that hold spaces or nothing."""
    return [*text.split(), *others]


BIG = "123456789012345678901234567890123456789012345"
INTEGERS = words(
    "0 1 7 12 -3 +5 007 1_000 １２ 3.0 1e3 NA abc 99999999999999999999 -0 0x1f ９", "", " 8 ", "8 ", "-", BIG
)
NUMBERS = words(
    "0 1.5 -2.25 .5 5. 1e3 NaN nan Infinity -inf 1,000.5 12.50 12.5 0.1 NA x 1_0.5 1.2.3 １.５ 100 99.999999999 1E-5"
    " +.5 1e-30 0.30000000000000004 1e400 nan(1)",
    *("", " 3 ", "1 000"),
)
DATES = words(
    "2020-01-31 2020-1-5 2020-02-30 31/12/2020 2020/01/05 20200105 2020-01-05T00:00:00 0000-01-01 9999-12-31 NA"
    " ２０２０-01-01 2020-01-01Z 1999-05-05",
    *("", " 2020-01-01", "2020-01-01 "),
)
DATETIMES = words(
    "2020-01-01T10:00:00 2020-01-01T10:00:00Z 2020-01-01T10:00:00+08:00 2020-01-01T24:00:00 2020-01-01T25:00:00"
    " 2020-01-01T10:00 2020-13-01T10:00:00 2020-01-01T10:00:00.123 NA 0001-01-01T00:00:00",
    *("", "2020-01-01 10:00:00", "2020-02-30 10:00:00"),
)
TEXTS = words(
    "abc ABC12 a NA 中文文本 ab1 b banana éà 12345 １２３ xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx #c",
    *("", "a\nb", 'q"uote', "a,b", "line\r\nbreak", "  pad ", "a\n", "- ", "a b"),
)
POOLS: dict[str, list[str]] = {
    "integer": INTEGERS,
    "number": NUMBERS,
    "date": DATES,
    "datetime": DATETIMES,
    "time": words("10:00:00 10:00 25:00:00 10:00:00Z 10:00:00.5 NA x", ""),
    "string": TEXTS,
    "boolean": words("true True 1 0 false 是 否 yes NA", "", "TRUE "),
    "year": words("2020 20 02020 -200 ２０２０ 1999 +199", "", " 199"),
    "yearmonth": words("2020-01 2020-13 2020-1 202001 2020-01-01", ""),
    "geopoint": ["1,2", "190,0", "a,b", "", "1.5, 2", "1"],
    "array": ["[1,2]", "[]", '{"a":1}', "x", "", "[1"],
    "object": ['{"a":1}', "{}", "[1]", "x", ""],
    "geojson": ['{"type":"Point","coordinates":[1,2]}', '{"a":1}', "x", ""],
    "any": TEXTS,
    "duration": ["P1D", "P1Y2M", "1", ""],
    "list": ["a,b", "1,2", "", "a"],
}
URIS = ["http://a.b", "a b", "", "mailto:x@y.z", "//x"]
EMAILS = ["a@b.cn", "a@", "", "x"]
PATTERNS = words(
    r"[a-z]+ a|b \d+ [A-Z]{2,3}\d* [^,]* .{1,5} \w+ \S+ (?=a).* [\u4e00-\u9fa5]+ a.*|.*b [^\d]+ (ab|AB)C?\d*$"
    r" (a+)+ (.)\1*"
)
BARE = ("array", "object", "geojson", "list", "geopoint", "duration", "time", "yearmonth")
KEYABLE = ("string", "integer", "number", "date", "any", "boolean", "year")


class RandomTable(NamedTuple):
    """package: path of a Data Package; resource: the name of its table `main`. limit: error limit to use."""

    package: Path
    resource: str
    limit: int
    description: str


def random_table(seed: int, folder: Path) -> RandomTable:
    """Write one random file with its schema (and a reference table) into `folder`."""
    source = random.Random(seed)
    pairs = [_field(source, i) for i in range(source.randint(1, 7))]
    fields, pools = [f for f, _ in pairs], [p for _, p in pairs]
    schema: dict[str, Any] = {"fields": fields}
    if source.random() < 0.5:
        schema["missingValues"] = source.choice([["", "NA"], ["NA"], ["", "-", "NA"], []])
    reference = _keys(source, schema, fields, pools, folder)
    labels = _labels(source, [f["name"] for f in fields])
    if source.random() < 0.1:
        schema["fieldsMatch"] = source.choice(["subset", "superset", "partial", "equal"])
        source.shuffle(labels)
    rows = _rows(source, pools)
    delimiter = source.choice([",", ",", ",", ";", "\t", "|"])
    format = "tsv" if delimiter == "\t" and source.random() < 0.5 else "csv"
    dialect, text = _text(source, labels, rows, delimiter)
    encoding = source.choice(["utf-8", "utf-8", "gb18030", "utf-8-sig", "utf-16", "gbk", "big5", "latin-1"])
    data = text.encode(encoding, "replace")
    damage = source.random()
    if damage < 0.08 and len(data) > 50:
        at = source.randrange(len(data) // 3, len(data))
        data = data[:at] + b"\xff\xfe\x81" + data[at:]
    elif damage < 0.11:
        data = data.replace(b'"', b'x"y', 3)
    elif damage < 0.13:
        data = data.replace(b"\n", b"\r", 2)
    elif damage < 0.14:
        data = data.replace(b"a", b"\0", 2)
    elif damage < 0.15:
        data = data.rstrip(b"\r\n")
    elif damage < 0.16:
        data = b""
    (folder / f"t.{format}").write_bytes(data)
    declared = {"utf-8-sig": "utf-8"}.get(encoding, encoding)
    main = {"name": "main", "path": f"t.{format}", "format": format, "encoding": declared, "schema": schema}
    if dialect:
        main["dialect"] = dialect
    package = folder / "p.json"
    described: dict[str, Any] = {"name": "p", "resources": [main, *reference]}
    if source.random() < 0.7:  # the newer specification knows more constraints
        described["$schema"] = "https://datapackage.org/profiles/2.0/datapackage.json"
    package.write_text(json.dumps(described, ensure_ascii=False), "utf-8")
    limit = source.choice([1000, 1000, 5, 0])
    return RandomTable(package, "main", limit, f"seed {seed}: {format} {encoding} {delimiter!r} limit {limit}")


def _field(source: random.Random, number: int) -> tuple[dict[str, Any], list[str]]:
    kind = source.choice([*POOLS, "integer", "number", "string", "string", "date"])
    field: dict[str, Any] = {"name": source.choice([f"f{number}", f"列{number}"]), "type": kind}
    pool, chance = POOLS[kind], source.random
    constraints: dict[str, Any] = {}
    if kind == "date" and chance() < 0.5:
        field["format"] = source.choice(["%d/%m/%Y", "%Y/%m/%d", "%Y%m%d", "any", "%Y-%m-%d"])
    if kind == "datetime" and chance() < 0.5:
        field["format"] = source.choice(["%Y-%m-%d %H:%M:%S", "any"])
    if kind == "string":
        style = chance()
        if style < 0.1:
            field["format"], pool = "uri", URIS
        elif style < 0.2:
            field["format"], pool = "email", EMAILS
        elif style < 0.5:
            constraints["pattern"] = source.choice(PATTERNS)
        if chance() < 0.3:
            constraints["minLength"] = source.randint(0, 4)
        if chance() < 0.3:
            constraints["maxLength"] = source.randint(3, 12)
    if kind in ("integer", "number"):
        if chance() < 0.3:
            constraints["minimum"] = source.choice([0, 1, -3, "0.5" if kind == "number" else 1])
        if chance() < 0.3:
            constraints["maximum"] = source.choice([7, 100, 12])
        if chance() < 0.15:
            field["bareNumber"], pool = False, [*pool, "€5", "5%", "$ 12"]
        if kind == "number" and chance() < 0.2:
            field["groupChar"] = ","
        if kind == "number" and chance() < 0.15:
            field["decimalChar"], pool = ",", [*pool, "1,5"]
            if constraints.get("minimum") == "0.5":  # a bound is read like a cell; frictionless fails on one it cannot
                constraints["minimum"] = "0,5"
        if kind == "number" and chance() < 0.15:
            field["floatNumber"] = True
        if chance() < 0.1:
            constraints["exclusiveMinimum"] = 0
    if kind == "date" and chance() < 0.3 and field.get("format") is None:
        constraints[source.choice(["minimum", "maximum"])] = "2000-01-01"
    if kind == "boolean" and chance() < 0.5:
        field["trueValues"], field["falseValues"] = ["是"], ["否"]
    if chance() < 0.25:
        constraints["required"] = True
    if kind in KEYABLE and chance() < 0.15:
        constraints["unique"] = True
    if kind in ("string", "integer", "number") and not constraints.get("pattern") and chance() < 0.1:
        constraints["enum"] = {"integer": ["1", "7"], "number": ["1.5", "0"]}.get(kind, ["abc", "a", "中文文本"])
    if chance() < 0.1:
        field["missingValues"] = source.choice([["NA"], ["", "NA"], ["-"], []])
    allowed = ("required",) if kind in BARE else ("required", "unique") if kind == "any" else tuple(constraints)
    if kept := {k: v for k, v in constraints.items() if k in allowed}:
        field["constraints"] = kept
    return field, pool


def _keys(
    source: random.Random, schema: dict[str, Any], fields: list[Any], pools: list[list[str]], folder: Path
) -> list[dict[str, Any]]:
    keyable = [i for i, f in enumerate(fields) if f["type"] in KEYABLE]
    if keyable and source.random() < 0.5:
        chosen = source.sample(keyable, min(len(keyable), source.choice([1, 1, 2])))
        schema["primaryKey"] = [fields[i]["name"] for i in chosen]
    if not keyable or source.random() >= 0.4:
        return []
    chosen = source.sample(keyable, min(len(keyable), source.choice([1, 1, 2])))
    names = [fields[i]["name"] for i in chosen]
    if source.random() < 0.4:
        schema["foreignKeys"] = [{"fields": names, "reference": {"resource": "", "fields": names[::-1]}}]
        return []
    columns = [f"r{i}" for i in range(len(chosen))]
    schema["foreignKeys"] = [{"fields": names, "reference": {"resource": "ref", "fields": columns}}]
    picked = [[source.choice(pools[i]) for i in chosen] for _ in range(8)]
    with (folder / "ref.csv").open("w", newline="", encoding="utf-8") as out:
        csv.writer(out).writerows([columns, *picked])
    described = [
        {
            "name": column,
            "type": fields[i]["type"],
            **({"format": fields[i]["format"]} if "format" in fields[i] else {}),
        }
        for column, i in zip(columns, chosen, strict=True)
    ]
    if source.random() < 0.2:
        described[0] = {"name": columns[0], "type": source.choice(["string", "integer", "number"])}
    return [{"name": "ref", "path": "ref.csv", "encoding": "utf-8", "schema": {"fields": described}}]


def _labels(source: random.Random, labels: list[str]) -> list[str]:
    kind = source.random()
    if kind < 0.06:
        return labels[:-1] or labels
    if kind < 0.12:
        return [*labels, "extra"]
    if kind < 0.16:
        labels[source.randrange(len(labels))] = ""
    elif kind < 0.2 and len(labels) > 1:
        labels[-1] = labels[0]
    elif kind < 0.24:
        labels[0] = labels[0].upper() + "X"
    return labels


def _rows(source: random.Random, pools: list[list[str]]) -> list[list[str]]:
    good, width, rows = source.choice([0.0, 0.5, 0.9, 1.0]), len(pools), []
    for _ in range(source.choice([0, 1, 5, 40, 300, 900])):
        row = [source.choice(pool[:4] if source.random() < good else pool) for pool in pools]
        oddity = source.random() if good < 1 else 1
        if oddity < 0.01:
            row = []
        elif oddity < 0.02:
            row = row[: source.randint(0, width)]
        elif oddity < 0.03:
            row = row + ["extra"] * source.randint(1, 2)
        elif oddity < 0.04:
            row = [""] * width
        elif oddity < 0.045:
            row = ["NA"] * width
        rows.append(row)
    return rows


def _text(
    source: random.Random, labels: list[str], rows: list[list[str]], delimiter: str
) -> tuple[dict[str, Any], str]:
    """(dialect, file text)."""
    dialect: dict[str, Any] = {"delimiter": delimiter} if source.random() < 0.8 else {}
    options: dict[str, Any] = {
        "delimiter": delimiter,
        "lineterminator": source.choice(["\r\n", "\n", "\n"]),
        "quoting": source.choice([csv.QUOTE_MINIMAL, csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    }
    lines = [labels, *rows]
    special = source.random()
    if special < 0.06:
        dialect["headerCase"] = False
    elif special < 0.1:
        lines = [["# a title"], *lines]
        dialect["commentChar"] = "#"
    elif special < 0.13:
        dialect["skipBlankRows"] = True
    elif special < 0.16:
        dialect["quoteChar"] = options["quotechar"] = "'"
    elif special < 0.19:
        dialect["escapeChar"] = options["escapechar"] = "\\"
        dialect["doubleQuote"] = options["doublequote"] = False
    elif special < 0.22:
        dialect["skipInitialSpace"] = True
    elif special < 0.26:
        lines = [["part"] * len(labels), *lines]
        dialect["headerRows"] = [1, 2] if special < 0.24 else [2]
    elif special < 0.28:
        lines = rows
        dialect["header"] = False
    elif special < 0.3:
        lines = [["2024 annual report"], *lines]
    elif special < 0.32:
        dialect["commentRows"] = [3]
    out = io.StringIO()
    csv.writer(out, **options).writerows(lines)
    return dialect, out.getvalue()
