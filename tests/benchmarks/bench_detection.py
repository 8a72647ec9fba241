"""Detection: speed and sameness against Presidio, recall and precision on made and on labelled data.

Speed is CPU time of this process, both sides in one run: wall time says more of the machine's other work.
"""

import importlib.util
import json
import random
import resource
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pyarrow as pa

from anonymize.columns import read_column
from anonymize.detect import detect
from anonymize.matching import confident, match_texts
from anonymize.names.lac import LacModel, has_lac, load_lac
from anonymize.names.person import is_bare_name
from anonymize.recognizers.registry import SPECIFICATIONS
from anonymize.spans import find_spans
from anonymize.treatments.redaction import redact
from pipelines.models import names_model_folder
from tests.benchmarks import Row
from tests.factories import personal_data as make
from tests.shared_data import SHARED_DATA

ROWS = 1_000_000
POOL = 60_000  # different persons; as in registers, most people have several records
SAMPLE_ROWS = 250
MODELS = Path(__file__).resolve().parents[2] / "var" / "models"
NOTES = (
    "办理完毕，无异议",
    "申请材料齐全，已受理，请等待审核结果",
    "经办人{n}，联系电话{m}，请于三日内回复",
    "企业统一社会信用代码{u}，经营正常，年检合格",
    "申请人身份证号{i}已核验，发证机关为市公安局",
    "来电反映小区停车难问题，请有关部门处理",
    "邮箱{e}，备注：资料已寄送",
    "订单编号2023{m}0001已退回，金额12345.67元",
)
DISTINCT_TEXTS, SAMPLE_TEXTS = 1_000_000, 500
OPENINGS = ("来电反映", "市民咨询", "企业申请", "居民投诉", "热线工单", "窗口登记", "网上留言", "现场核查")
PLACES = ("文化广场西侧", "幸福小区", "老城区菜市场", "高新区软件园", "火车站南广场", "滨河公园", "城东工业园")
TOPICS = (
    "夜间施工噪声扰民",
    "停车位不足",
    "路灯不亮",
    "供水水压偏低",
    "垃圾清运不及时",
    "营业执照变更",
    "燃气管道检修",
)
OUTCOMES = (
    "已转属地街道办理",
    "请主管部门核实后回复",
    "材料齐全，予以受理",
    "经协调已解决",
    "正在处理中",
    "建议加强巡查",
)
DETAILS = ("此前多次反映未果", "影响周边居民休息", "金额合计12345.67元", "编号{k}", "受理时间2024年5月6日", "附件齐全")
PERSONAL = ("联系人{n}，电话{m}", "申请人{n}身份证{i}", "{n}先生反映", "{n}表示满意")


def run() -> list[Row]:
    return [*free_texts(), *speed(make_table()), *look_alikes(), *persons()]


def make_table() -> pa.Table:
    """A million records of nine fields."""
    rng = random.Random(1)
    pool = {kind: [make.MAKERS[kind](rng) for _ in range(POOL)] for kind in ("CN_RESIDENT_ID", "CN_MOBILE", "CN_USCC")}
    names = [make.person(rng) for _ in range(20_000)]
    addresses = [f"杭州市西湖区{r}路{k}号" for r in ("文三", "人民", "中山", "解放", "建国") for k in range(1, 2000)]
    notes = [
        rng.choice(NOTES).format(
            n=rng.choice(names),
            m=rng.choice(pool["CN_MOBILE"]),
            u=rng.choice(pool["CN_USCC"]),
            i=rng.choice(pool["CN_RESIDENT_ID"]),
            e=f"u{k}@example.gov.cn",
        )
        for k in range(120_000)
    ]
    draw = np.random.default_rng(1)

    def drawn(values: Sequence[str]) -> pa.Array:
        return pa.array(values).take(pa.array(draw.integers(0, len(values), ROWS)))

    return pa.table(
        {
            "身份证号": drawn(pool["CN_RESIDENT_ID"]),
            "手机": drawn(pool["CN_MOBILE"]),
            "姓名": drawn(names),
            "地址": drawn(addresses),
            "企业代码": drawn(pool["CN_USCC"][: POOL // 4]),
            "部门": drawn(["公安局", "卫健委", "教育局", "人社局", "市监局"]),
            "状态": drawn(["已办结", "办理中", "退回"]),
            "金额": drawn([f"{x:.2f}" for x in draw.gamma(2, 500, 100_000)]),
            "备注": drawn(notes),
        }
    )


def speed(table: pa.Table) -> list[Row]:
    cells = table.num_rows * table.num_columns
    detect(table.slice(0, 100))  # compiles the expressions
    started = time.process_time()
    found = {name: scan(table, name) for name in table.column_names}
    ours = cells / (time.process_time() - started)
    started = time.process_time()
    detect(table)
    whole = time.process_time() - started
    memory = psutil.Process().memory_info().rss / 2**20

    from anonymize.presidio_adapter import analyze_text

    analyze_text("", "zh")
    sample = table.slice(0, SAMPLE_ROWS).to_pydict()
    started = time.process_time()
    theirs = {name: [analyze_text(text, "zh") for text in texts] for name, texts in sample.items()}
    presidio = SAMPLE_ROWS * len(sample) / (time.process_time() - started)
    differing = sum(
        [(s.start, s.end, s.entity) for s in spans] != found[name].get(text, [])
        for name, texts in sample.items()
        for text, spans in zip(texts, theirs[name], strict=True)
    )
    return [
        Row(
            f"column detection, 1M × 9, {len(SPECIFICATIONS)} recognisers",
            f"{ours:,.0f} cells per CPU second; Presidio {presidio:,.0f}; {ours / presidio:,.0f} times",
            "≥ 300 times Presidio",
            ours >= 300 * presidio,
        ),
        Row(
            "differing cells of the sample",
            f"{differing} of {SAMPLE_ROWS * len(sample):,}",
            "0",
            differing == 0,
        ),
        Row(
            "detect(): names, headers, profiles, unique sets too, 1M × 9",
            f"{whole:.1f} CPU s, {memory:,.0f} MiB at its end",
        ),
    ]


def make_texts(count: int) -> list[str]:
    """Remarks of which no two are equal, one in twenty with personal data."""
    rng = random.Random(3)
    texts = []
    for number in range(count):
        parts = [rng.choice(OPENINGS) + rng.choice(PLACES) + rng.choice(TOPICS), rng.choice(OUTCOMES)]
        parts += [rng.choice(DETAILS).format(k=rng.randint(10**7, 10**8)) for _ in range(rng.randint(0, 2))]
        if rng.random() < 0.05:
            parts.append(rng.choice(PERSONAL).format(n=make.person(rng), m=make.mobile(rng), i=make.resident_id(rng)))
        rng.shuffle(parts)
        texts.append("，".join(parts) + f"（第{number}件）")
    return texts


def free_texts() -> list[Row]:
    """A column of texts that are all distinct: found and redacted; Presidio with the same recognisers on a sample."""
    texts = make_texts(DISTINCT_TEXTS)
    table = pa.table({"备注": texts})
    detect(table.slice(0, 100))
    redact(table["备注"].slice(0, 2000))
    started = time.process_time()
    detect(table)
    detected = time.process_time() - started
    started = time.process_time()
    redact(table["备注"])
    redacted = time.process_time() - started
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    from anonymize.presidio_adapter import analyze_text  # after the memory is taken

    analyze_text("", "zh")
    started = time.process_time()
    for text in texts[:SAMPLE_TEXTS]:
        analyze_text(text, "zh")
    presidio = (time.process_time() - started) / SAMPLE_TEXTS * DISTINCT_TEXTS
    length = sum(map(len, texts)) / len(texts)
    title = f"{DISTINCT_TEXTS / 1e6:.0f}M distinct texts of {length:.0f} characters"
    return [
        Row(f"{title}: detect()", f"{detected:.1f} CPU s", "≤ 20 s", detected <= 20),
        Row(
            f"{title}: redaction, names by rule",
            f"{redacted:.1f} CPU s; Presidio, identifiers alone, {presidio:,.0f} s: {presidio / redacted:,.0f} times",
            "≤ 20 s",
            redacted <= 20,
        ),
        Row(
            f"{title}: memory, the texts themselves included",
            f"{memory:,.0f} MiB at most",
            "≤ 1,536 MiB",
            memory <= 1536,
        ),
    ]


def scan(table: pa.Table, name: str) -> dict[str, list[tuple[int, int, str]]]:
    """Distinct cell → its identifiers, of one whole column."""
    column = read_column(name, table[name])
    matches = confident(match_texts(column.texts))
    texts = column.texts.gather(matches.text).to_list()
    found: dict[str, list[tuple[int, int, str]]] = {}
    for text, start, end, number in zip(
        texts, matches.start.tolist(), matches.end.tolist(), matches.specification.tolist(), strict=True
    ):
        found.setdefault(text, []).append((start, end, SPECIFICATIONS[number].entity))
    return found


def look_alikes() -> list[Row]:
    cells = make.make_cells(100_000, seed=5)
    found = find_spans([c.text for c in cells], all_kinds=True)
    wanted = {(at, *span) for at, c in enumerate(cells) for span in c.spans}
    given = {(at, *s[:3]) for at, spans in found.items() for s in spans if s.entity not in ("PERSON", "ADDRESS")}
    worst_recall = min(
        (sum(1 for one in wanted & given if one[3] == kind) / sum(1 for one in wanted if one[3] == kind), kind)
        for kind in make.MAKERS
    )
    worst_precision = min(
        (sum(1 for one in wanted & given if one[3] == kind) / sum(1 for one in given if one[3] == kind), kind)
        for kind in make.MAKERS
    )
    recall, precision = len(wanted & given) / len(wanted), len(wanted & given) / len(given)
    return [
        Row(
            "identifiers among look-alikes: recall",
            f"{recall:.4f}; worst {worst_recall[0]:.4f} ({worst_recall[1]})",
            "≥ 0.99",
            worst_recall[0] >= 0.99,
        ),
        Row(
            "identifiers among look-alikes: precision",
            f"{precision:.4f}; worst {worst_precision[0]:.4f} ({worst_precision[1]})",
            "≥ 0.98",
            min(worst_precision[0], precision) >= 0.98,
        ),
    ]


def persons() -> list[Row]:
    """PERSON by exact span, with and without the model; skipped where corpora or model are absent."""
    folder = names_model_folder(MODELS)
    there = has_lac(folder) and importlib.util.find_spec("onnxruntime") is not None
    model = load_lac(folder) if there else None
    rows = []
    for title, name in (
        ("People's Daily", "peoples_daily_test"),
        ("CLUENER, held-out half", "cluener_train"),
        ("résumés", "resume_test"),
    ):
        path = SHARED_DATA / "deid" / "ner" / f"{name}.jsonl"
        if not path.exists():
            rows.append(Row(f"persons in {title}", "corpus absent"))
            continue
        documents = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
        if name == "cluener_train":
            documents = documents[1::2]  # the weights of names were fitted on the others
        recall, precision = person_scores(documents, None)
        rows.append(Row(f"persons in {title}, by rule", f"recall {recall:.3f}, precision {precision:.3f}"))
        if model:
            recall, precision = person_scores(documents, model)
            measured = f"recall {recall:.3f}, precision {precision:.3f}"
            rows.append(Row(f"persons in {title}, with the model", measured, "recall ≥ 0.80", recall >= 0.8))
    rng = random.Random(8)
    cells = [make.person(rng) for _ in range(3000)]
    rows.append(Row("bare name cells, by rule", f"recall {sum(map(is_bare_name, cells)) / len(cells):.3f}"))
    if model:
        tagged = sum((0, len(c), "PERSON") in t for c, t in zip(cells, model(cells), strict=True)) / len(cells)
        rows.append(Row("bare name cells, with the model", f"recall {tagged:.3f}", "≥ 0.97", tagged >= 0.97))
    else:
        rows.append(Row("persons with the model", "model absent: gongkai models fetch zh"))
    return rows


def person_scores(documents: Sequence[dict[str, Any]], model: LacModel | None) -> tuple[float, float]:
    """(recall, precision) of the exact spans of persons."""
    found = find_spans([d["text"] for d in documents], names=model)
    given = {(at, s.start, s.end) for at, spans in found.items() for s in spans if s.entity == "PERSON"}
    wanted = {
        (at, s["start"], s["end"]) for at, d in enumerate(documents) for s in d["spans"] if s["label"] == "PERSON"
    }
    return len(given & wanted) / len(wanted), len(given & wanted) / len(given)
