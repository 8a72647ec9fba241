"""Commands about what a dataset tells: its privacy budget, and a made-up sample of its release."""


import typer

from pipelines.cli.output import Json, Lang, print_json, print_table, say
from pipelines.cli.platform import opened
from schemas.text import Text


def add_to(app: typer.Typer) -> None:
    app.command()(budget)


def budget(dataset: str, json: Json = False, lang: Lang = "") -> None:
    """What a dataset's tables with noise may spend, and what they spent. 差分隐私预算。"""
    from pipelines.privacy_budget import read_budget

    with opened() as platform:
        ledger = read_budget(platform, dataset)
    if json:
        spent = [{"release": s.purpose, "epsilon": s.epsilon} for s in ledger.spent]
        print_json({"dataset": dataset, "epsilon_total": ledger.epsilon, "left": ledger.left, "spent": spent})
        return
    if ledger.spent:
        print_table(
            [Text(zh="版本", en="release"), Text(zh="ε", en="epsilon")],
            [(s.purpose, f"{s.epsilon:g}") for s in ledger.spent],
        )
    say(
        Text(
            zh=f"{dataset}：预算 {ledger.epsilon:g}，剩余 {ledger.left:g}",
            en=f"{dataset}: {ledger.left:g} of {ledger.epsilon:g} left",
        )
    )
