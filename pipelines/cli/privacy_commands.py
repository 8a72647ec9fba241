"""Commands about what a dataset tells: its privacy budget, and a made-up sample of its release."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.output import Json, Lang, print_json, print_table, say
from pipelines.cli.platform import opened
from schemas.text import Text


def add_to(app: typer.Typer) -> None:
    app.command()(budget)
    app.command()(synthesise)


def budget(dataset: str, json: Json = False, lang: Lang = "") -> None:
    """What a dataset's tables with noise may spend, and what they spent. 差分隐私预算。"""
    from pipelines.privacy_budget import read_budget

    with opened() as platform:
        ledger = read_budget(platform, dataset)
    if json:
        spent = [{"release": s.purpose, "epsilon": s.epsilon, "split": dict(s.split)} for s in ledger.spent]
        print_json({"dataset": dataset, "epsilon_total": ledger.epsilon, "left": ledger.left, "spent": spent})
        return
    if ledger.spent:
        print_table(
            [Text(zh="版本", en="release"), Text(zh="ε", en="epsilon"), Text(zh="其中", en="of which")],
            [
                (s.purpose, f"{s.epsilon:g}", ", ".join(f"{figure} {part:.3g}" for figure, part in s.split.items()))
                for s in ledger.spent
            ],
        )
    say(
        Text(
            zh=f"{dataset}：预算 {ledger.epsilon:g}，剩余 {ledger.left:g}",
            en=f"{dataset}: {ledger.left:g} of {ledger.epsilon:g} left",
        )
    )


def synthesise(
    dataset: str,
    output: Annotated[
        Path, typer.Option("-o", "--output", help="CSV to write; its name holds the word synthetic. 输出文件。")
    ],
    rows: Annotated[int, typer.Option(min=1, max=1_000_000, help="Records to make up. 行数。")] = 1000,
    seed: Annotated[int, typer.Option(min=0, help="The same seed, the same sample. 随机种子。")] = 0,
    json: Json = False,
    lang: Lang = "",
) -> None:
    """Made-up records like those of the current release, for writing programs before a grant. 合成样例数据。"""
    from pipelines.synthesis import synthesise as write_sample

    with opened() as platform:
        written = write_sample(platform, dataset, rows, output, seed)
    if json:
        print_json(asdict(written))
        return
    say(
        Text(
            zh=f"已写入 {written.rows:,} 行合成数据：{written.file}，结构见 {written.schema_file}；"
            "不对应任何人，不能用于研究结论",
            en=f"wrote {written.rows:,} made-up rows to {written.file}, their schema to {written.schema_file}; "
            "they are nobody's, and no ground for findings",
        )
    )
