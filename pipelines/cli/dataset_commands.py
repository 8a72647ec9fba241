"""Commands of a dataset's way: apply, list, prepare, review, publish, withdraw, catalog."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.output import Json, Lang, print_json, print_table, say
from pipelines.cli.platform import command_actor, opened
from pipelines.cli.progress_bar import stage_progress
from schemas.actor import Actor
from schemas.dataset import Tier
from schemas.errors import Conflict, Refused
from schemas.text import Text

if TYPE_CHECKING:
    from pipelines.platform import Platform
    from schemas.disclosure import DisclosurePolicy

dataset_app = typer.Typer(no_args_is_help=True, help="Declared datasets. 数据集。")
review_app = typer.Typer(no_args_is_help=True, help="Release reviews. 发布审核。")
catalog_app = typer.Typer(no_args_is_help=True, help="The catalogue. 目录。")
By = Annotated[str, typer.Option("--by", help="Account that acts; default: the operator. 操作账号。")]


def add_to(app: typer.Typer) -> None:
    app.add_typer(dataset_app, name="dataset")
    app.add_typer(review_app, name="review")
    app.add_typer(catalog_app, name="catalog")
    app.command()(prepare)
    app.command()(publish)
    app.command()(withdraw)
    app.command()(reinstate)


@dataset_app.command("apply")
def apply(files: Annotated[list[Path], typer.Argument(exists=True)], by: By = "", lang: Lang = "") -> None:
    """Declare datasets from YAML files. 登记数据集声明。"""
    from governance.declaration_changes import waiting_change
    from pipelines.datasets import apply_dataset, read_declaration

    with opened() as platform:
        declared = [read_declaration(path) for path in files]
        for dataset in declared:
            with platform.engine.begin() as connection:
                actor = command_actor(platform, by)
                changed = apply_dataset(connection, dataset, platform.configuration, actor, datetime.now(UTC))
                change = waiting_change(connection, dataset.name)
            state = Text(zh="已登记", en="applied") if changed else Text(zh="无变化", en="unchanged")
            if change is not None:
                waits = ", ".join(change.fields)
                state = Text(
                    zh=f"{state.zh}；变更 {change.number} 待单位审核：{waits}",
                    en=f"{state.en}; change {change.number} awaits a reviewer of the publisher: {waits}",
                )
            say(Text(zh=f"{dataset.name}：{state.zh}", en=f"{dataset.name}: {state.en}"))


@dataset_app.command("changes")
def changes(json: Json = False, lang: Lang = "") -> None:
    """List changes of published datasets' declarations that wait for a reviewer. 列出待审核的声明变更。"""
    from governance.database.engine import reading
    from governance.declaration_changes import waiting_changes

    with opened() as platform, reading(platform.engine) as connection:
        waiting = waiting_changes(connection)
    if json:
        print_json([asdict(c) for c in waiting])
        return
    print_table(
        [
            Text(zh="编号", en="number"),
            Text(zh="数据集", en="dataset"),
            Text(zh="变更项", en="what changes"),
            Text(zh="提出", en="proposed by"),
        ],
        [(str(c.number), c.dataset, ", ".join(c.fields), c.proposed_by) for c in waiting],
    )


@dataset_app.command("decide")
def decide(
    number: int,
    decision: Annotated[str, typer.Option(help="approve, reject. 同意或不同意。")],
    by: Annotated[str, typer.Option("--by", help="Account of an agency reviewer of the publisher. 单位审核账号。")],
    reason: Annotated[str, typer.Option(help="Wanted when you reject. 不同意时须说明理由。")] = "",
    lang: Lang = "",
) -> None:
    """Agree to a change of a declaration, or not. 审核声明变更。"""
    from governance.declaration_changes import ChangeStatus, decide_change

    with opened() as platform, platform.engine.begin() as connection:
        actor = command_actor(platform, by)
        change = decide_change(connection, number, decision, reason, actor=actor, now=datetime.now(UTC))
    approved = change.status is ChangeStatus.APPROVED
    state = Text(zh="已同意", en="agreed to") if approved else Text(zh="未同意", en="rejected")
    say(
        Text(
            zh=f"{change.dataset}：变更 {number} {state.zh}",
            en=f"{change.dataset}: change {number} {state.en}",
        )
    )


@dataset_app.command("list")
def list_(json: Json = False, lang: Lang = "") -> None:
    """List declared datasets. 列出数据集。"""
    from governance.database.engine import reading
    from pipelines.datasets import list_datasets

    with opened() as platform, reading(platform.engine) as connection:
        datasets = list_datasets(connection)
    if json:
        print_json([d.model_dump(mode="json", by_alias=True) for d in datasets])
        return
    print_table(
        [
            Text(zh="名称", en="name"),
            Text(zh="标题", en="title"),
            Text(zh="发布单位", en="publisher"),
            Text(zh="开放属性", en="openness"),
        ],
        [(d.name, d.title, d.publisher, d.openness) for d in datasets],
    )


def prepare(
    dataset: str,
    source: Annotated[
        Path | None,
        typer.Option(
            "--source",
            exists=True,
            dir_okay=False,
            help="The file; default: the newest handed in. 默认为最近提交的文件。",
        ),
    ] = None,
    k: Annotated[
        list[str] | None,
        typer.Option(
            "--k",
            help="N or TIER=N: k for this dataset from now on, at least the policy's. 自此采用的 k，不低于策略。",
        ),
    ] = None,
    by: By = "",
    json: Json = False,
    lang: Lang = "",
) -> None:
    """Prepare a file as a release and submit it for review. 处理一个文件并提交审核。"""
    from pipelines.cli.data_commands import print_report
    from pipelines.preparation import prepare_source
    from pipelines.prepare import InvalidSource

    with opened() as platform:
        actor = command_actor(platform, by)
        source_id = (
            _hand_in(platform, dataset, source, k or [], actor)
            if source
            else _newest_source(platform, dataset, k or [], actor)
        )
        try:
            with stage_progress(dataset) as progress:
                release = prepare_source(platform, source_id, actor, progress)
        except InvalidSource as error:
            if json:
                print_json(error.report.report)
            else:
                print_report(error.report)
            raise
    if json:
        print_json(release)
        return
    say(Text(zh=f"版本 {release.id} 已提交审核", en=f"release {release.id} is submitted for review"))


def _hand_in(platform: "Platform", dataset: str, path: Path, k: list[str], actor: Actor) -> str:
    """Choose k, where one is given, and take the file in; its id."""
    from governance.database.engine import reading
    from pipelines.datasets import load_dataset
    from pipelines.k_choice import record_choice
    from pipelines.sources import accept_source

    if k:
        with reading(platform.engine) as connection:
            declared = load_dataset(connection, dataset)
        policy = platform.configuration.policies[declared.policy]
        chosen = chosen_k(k, declared.published_tiers, policy)
        with platform.engine.begin() as connection:
            record_choice(connection, declared, policy, chosen, actor, datetime.now(UTC))
    with path.open("rb") as content:
        return accept_source(platform, dataset, content, path.name, actor, datetime.now(UTC))


def _newest_source(platform: "Platform", dataset: str, k: list[str], actor: Actor) -> str:
    """Id of the newest file handed in; k, where it is given, is chosen for it."""
    from governance.database.engine import reading
    from pipelines.datasets import load_dataset, require_steward
    from pipelines.k_choice import Chosen, choose_k
    from pipelines.sources import list_sources

    with reading(platform.engine) as connection:
        declared = load_dataset(connection, dataset)
    require_steward(declared, actor)
    newest = next(iter(list_sources(platform, dataset, 1)), None)
    if newest is None:
        raise Refused(
            "no-source",
            Text(zh=f"{dataset} 还没有提交过文件", en=f"no file of {dataset} was handed in yet"),
            Text(zh="请用 --source 给出文件", en="name one with --source"),
            field="source",
        )
    if k:
        chosen = chosen_k(k, declared.published_tiers, platform.configuration.policies[declared.policy])
        if choose_k(platform, newest.id, chosen, actor, datetime.now(UTC)) is Chosen.KEPT:
            raise Conflict(
                "kept-for-later",
                Text(
                    zh="已记录选择，自下一个文件起采用；最近的文件已发布或被否决，不再重新处理",
                    en="the choice is recorded and holds from the next file on; the newest one was published or "
                    "rejected, and is not prepared again",
                ),
                Text(zh="请用 --source 提交新的文件", en="hand in a new file with --source"),
                field="k",
            )
    return newest.id


def chosen_k(given: list[str], tiers: Sequence[Tier], policy: "DisclosurePolicy") -> dict[Tier, int]:
    """`10` for every tier that has a k, `open=10` for one. Raises Refused `invalid-k`."""
    from anonymize.chosen_k import policy_k, read_k

    chosen: dict[Tier, int] = {}
    for text in given:
        name, _, number = text.rpartition("=")
        k = read_k(number, name or None)
        wanted = [Tier(name)] if name else [t for t in tiers if policy_k(policy, t) is not None] or list(tiers)
        chosen.update(dict.fromkeys(wanted, k))
    return chosen


@review_app.command("list")
def review_list(json: Json = False, lang: Lang = "") -> None:
    """Releases and where they stand. 审核队列。"""
    from governance.database.engine import reading
    from governance.release_review.service import list_reviews

    with opened() as platform, reading(platform.engine) as connection:
        reviews = list_reviews(connection)
    if json:
        print_json(reviews)
        return
    print_table(
        [Text(zh="版本", en="release"), Text(zh="数据集", en="dataset"), Text(zh="状态", en="status")],
        [(r.release_id, r.dataset, r.status) for r in reviews],
    )


@review_app.command("sign")
def review_sign(
    release: str,
    step: Annotated[str, typer.Option(help="agency, compliance or secrecy")],
    by: Annotated[str, typer.Option("--by", help="Account of the reviewer. 审核人账号。")],
    decision: Annotated[str, typer.Option(help="approve, send-back or reject")] = "approve",
    reason: str = "",
    lang: Lang = "",
) -> None:
    """Sign one step of a review after looking at its evidence. 签署一级审核。"""
    from governance.database.engine import reading
    from pipelines.reviewing import sign_step
    from pipelines.sources import load_release

    with opened() as platform:
        with reading(platform.engine) as connection:
            digest = load_release(connection, release).descriptor_digest
        actor = command_actor(platform, by)
        status = sign_step(platform, release, step, decision, reason, digest, actor, datetime.now(UTC))
    say(Text(zh=f"版本 {release}：{status}", en=f"release {release}: {status}"))


def publish(dataset: str, by: By = "", json: Json = False, lang: Lang = "") -> None:
    """Publish the newest approved release. 发布已通过审核的版本。"""
    from pipelines.publish import publish as publish_dataset

    with opened() as platform:
        receipt = publish_dataset(platform, dataset, command_actor(platform, by), datetime.now(UTC))
    if json:
        print_json(receipt.__dict__)
        return
    n = len(receipt.writes)
    say(Text(zh=f"{dataset}：已发布，写入目录 {n} 处", en=f"{dataset}: published, {n} catalogue writes"))


def withdraw(dataset: str, reason: Annotated[str, typer.Option()], by: By = "", lang: Lang = "") -> None:
    """Take a publication back, with a reason. 撤回发布。"""
    from pipelines.publish import withdraw as withdraw_dataset

    with opened() as platform:
        done = withdraw_dataset(platform, dataset, reason, command_actor(platform, by), datetime.now(UTC))
    if not done:
        raise Conflict(
            "nothing-published",
            Text(zh="这个数据集没有已发布的版本", en="nothing of this dataset is published"),
            Text(zh="无需撤回", en="there is nothing to withdraw"),
            field="dataset",
        )
    say(Text(zh=f"{dataset}：已撤回", en=f"{dataset}: withdrawn"))


def reinstate(
    dataset: str,
    reason: Annotated[str, typer.Option(help="Why it is published again; reviewers read it. 恢复的理由。")],
    release: Annotated[str, typer.Option(help="Default: what was withdrawn last. 默认为最近撤回的版本。")] = "",
    by: By = "",
    lang: Lang = "",
) -> None:
    """Put a release that was withdrawn by mistake before the three reviewers anew. 恢复误撤的版本，须重新三审。"""
    from pipelines.reinstate import reinstate as reinstate_release

    with opened() as platform:
        actor = command_actor(platform, by)
        found = reinstate_release(platform, dataset, reason, actor, datetime.now(UTC), release or None)
    say(Text(zh=f"{dataset}：版本 {found} 待单位审核", en=f"{dataset}: release {found} awaits the agency review"))


@catalog_app.command("diff")
def catalog_diff(json: Json = False, lang: Lang = "") -> None:
    """What the catalogue lacks or has wrong. 目录与应有状态的差异。"""
    from pipelines.catalog_sync import catalog_differences

    with opened() as platform:
        differences = catalog_differences(platform)
    if json:
        print_json(differences)
    else:
        for line in differences:
            print(line)
    if not differences and not json:
        say(Text(zh="目录与应有状态一致", en="the catalogue is as it should be"))


@catalog_app.command("sync")
def catalog_sync(lang: Lang = "") -> None:
    """Reconcile the catalogue with what is published. 使目录与应有状态一致。"""
    from pipelines.catalog_sync import sync_catalog

    with opened() as platform:
        writes = sync_catalog(platform)
    for line in writes:
        print(line)
    say(Text(zh=f"写入 {len(writes)} 处", en=f"{len(writes)} writes"))
