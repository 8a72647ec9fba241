"""`gongkai demo`: the sample city end to end on the real parts; ends by itself with a summary.

Running it again finds everything done and only asks the server again.
"""

import secrets
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.table import Table

from catalog_config.settings import Settings
from governance.accounts import create_account, find_account, load_account
from governance.database.engine import reading
from governance.release_review.service import find_review
from pipelines.cli.output import console, language
from pipelines.cli.progress_bar import stage_progress
from pipelines.datasets import apply_dataset, read_declaration
from pipelines.demo_visitors import developer_visit, researcher_visit, running_server
from pipelines.platform import Platform, open_platform
from pipelines.preparation import prepare_source
from pipelines.prepare import InvalidSource
from pipelines.publish import publish
from pipelines.reviewing import sign_step
from pipelines.sources import accept_source, list_sources, load_release
from pipelines.store import file_digest
from pipelines.worker import run_until_idle
from schemas.actor import Actor, Duty, system_actor
from schemas.dataset import Dataset, Openness
from schemas.errors import NotFound
from schemas.text import Text
from schemas.yaml_text import read_yaml

CITY = Path(__file__).resolve().parent.parent / "examples" / "city"
FLAWED = "administrative-penalties"  # handed in with errors first, then corrected
REVIEW_STEPS = (
    ("agency", Duty.AGENCY_REVIEWER),
    ("compliance", Duty.COMPLIANCE_REVIEWER),
    ("secrecy", Duty.SECRECY_REVIEWER),
)
PASSWORDS = "demo-accounts.txt"


def run_demo(settings: Settings) -> None:
    """Raises GongkaiError when any part does not do what it should."""
    started = time.monotonic()
    city = _city()
    platform = open_platform(settings)
    with running_server(settings) as server:
        _say(Text(zh="1. 账号与数据集声明", en="1. Accounts and declarations"))
        people = _create_people(platform, city)
        datasets = _declare(platform, city)
        _say(Text(zh="2. 提交有错误的文件，被拒收并说明原因", en="2. A file with errors is refused, with reasons"))
        refusal = _hand_in_flawed(platform, city, datasets[FLAWED], people)
        _say(Text(zh="3. 校验、脱敏、打包", en="3. Validate, de-identify, package"))
        releases = {d.name: _prepare(platform, d, people) for d in datasets.values() if d.source}
        _say(Text(zh="4. 三审（单位、合规、保密，不同的人）", en="4. Three reviews by different people"))
        for release_id in releases.values():
            _review(platform, release_id, people)
        _say(Text(zh="5. 发布到目录", en="5. Publish to the catalogue"))
        run_until_idle(platform)
        for dataset in datasets.values():
            publish(platform, dataset.name, _of(people, Duty.STEWARD, dataset.publisher), datetime.now(UTC))
        _say(Text(zh="6. 开发者和研究者通过接口使用", en="6. A developer and a researcher use it over HTTP"))
        server.wait_until_ready()
        developer = developer_visit(server.url, datasets)
        researcher = researcher_visit(platform, server.url, people)
        memory = server.memory_mib()
    platform.engine.dispose()
    _summary(platform, datasets, releases, refusal, developer, researcher, memory, time.monotonic() - started)


def _city() -> Path:
    if not (CITY / "people.yaml").is_file():
        raise NotFound(
            "no-sample-city",
            Text(zh="没有找到示例城市", en="the sample city is not here"),
            Text(zh="请在源代码目录中运行", en="run it in a checkout of the source"),
        )
    return CITY


def _say(text: Text) -> None:
    console().print(text.to(language()), style="bold")


def _create_people(platform: Platform, city: Path) -> list[Actor]:
    """Accounts with fresh passwords, which are written to one private file in the home folder."""
    people = read_yaml((city / "people.yaml").read_text("utf-8"))
    operator, now, lines = system_actor("demo"), datetime.now(UTC), []
    for person in people:
        with platform.engine.begin() as connection:
            if find_account(connection, person["account"]) is not None:
                continue
            password = secrets.token_urlsafe(12)
            create_account(
                connection,
                account=person["account"],
                name=Text.model_validate(person["name"]),
                password=password,
                duties=frozenset(Duty(d) for d in person["duties"]),
                organisation=person.get("organisation"),
                actor=operator,
                now=now,
            )
            lines.append(f"{person['account']}\t{password}\t{', '.join(person['duties'])}\n")
    _write_private(platform.home / PASSWORDS, lines)
    with reading(platform.engine) as connection:
        return [load_account(connection, p["account"]).actor for p in people]


def _write_private(path: Path, lines: list[str]) -> None:
    path.touch(mode=0o600)
    with path.open("a", encoding="utf-8") as writer:
        writer.writelines(lines)


def _of(people: list[Actor], duty: Duty, organisation: str | None = None) -> Actor:
    return next(p for p in people if duty in p.duties and organisation in {None, p.organisation})


def _declare(platform: Platform, city: Path) -> dict[str, Dataset]:
    declared = [read_declaration(path) for path in sorted((city / "datasets").glob("*.yaml"))]
    for dataset in declared:
        with platform.engine.begin() as connection:
            apply_dataset(connection, dataset, platform.configuration, system_actor("demo"), datetime.now(UTC))
    return {d.name: d for d in declared}


def _hand_in_flawed(platform: Platform, city: Path, dataset: Dataset, people: list[Actor]) -> dict[str, int]:
    """Kinds of errors found in the file with errors → number. It must be refused."""
    path = city / "sources" / f"{FLAWED}-with-errors.csv"
    steward = _of(people, Duty.STEWARD, dataset.publisher)
    known = _handed_in(platform, dataset, path, "refused")
    if known is not None:
        return dict(known.outcome["validation"]["counts"])
    with path.open("rb") as content:
        source = accept_source(platform, dataset.name, content, path.name, steward, datetime.now(UTC))
    try:
        prepare_source(platform, source, steward, lambda progress: None)
    except InvalidSource as error:
        return dict(error.report.counts)
    raise RuntimeError("the file with errors was accepted")


def _handed_in(platform: Platform, dataset: Dataset, path: Path, status: str) -> Any:
    """The finished upload of the same bytes, from an earlier run."""
    with path.open("rb") as reader:
        digest = file_digest(reader)
    found = [s for s in list_sources(platform, dataset.name) if s.digest == digest]
    return next((s for s in found if s.status == status), None)


def _prepare(platform: Platform, dataset: Dataset, people: list[Actor]) -> str:
    """Id of the release of the dataset's source."""
    path, steward = Path(dataset.source or ""), _of(people, Duty.STEWARD, dataset.publisher)
    known = _handed_in(platform, dataset, path, "prepared")
    if known is not None:
        return str(known.outcome["release"])
    with path.open("rb") as content:
        source = accept_source(platform, dataset.name, content, path.name, steward, datetime.now(UTC))
    with stage_progress(dataset.name) as progress:
        return prepare_source(platform, source, steward, progress).id


def _review(platform: Platform, release_id: str, people: list[Actor]) -> None:
    with reading(platform.engine) as connection:
        release = load_release(connection, release_id)
        review = find_review(connection, release_id)
    if review is None or review.status == "approved":
        return
    publisher = review.publisher
    for step, duty in REVIEW_STEPS:
        reviewer = _of(people, duty, publisher if step == "agency" else None)
        sign_step(platform, release_id, step, "approve", "", release.descriptor_digest, reviewer, datetime.now(UTC))


def _summary(
    platform: Platform,
    datasets: dict[str, Dataset],
    releases: dict[str, str],
    refusal: dict[str, int],
    developer: list[tuple[Text, str]],
    researcher: list[tuple[Text, str]],
    memory: float,
    seconds: float,
) -> None:
    lang, out = language(), console()
    table = Table(
        *(
            t.to(lang)
            for t in (
                Text(zh="数据集", en="dataset"),
                Text(zh="开放属性", en="openness"),
                Text(zh="层级", en="tiers"),
                Text(zh="行数", en="rows"),
                Text(zh="抑制记录", en="suppressed"),
                Text(zh="k", en="k"),
                Text(zh="结果", en="outcome"),
            )
        )
    )
    with reading(platform.engine) as connection:
        for dataset in datasets.values():
            table.add_row(*_dataset_row(dataset, connection, releases.get(dataset.name), lang))
    out.print(table)
    steps = Table(Text(zh="步骤", en="step").to(lang), Text(zh="结果", en="result").to(lang))
    refused = ", ".join(f"{kind} {n}" for kind, n in sorted(refusal.items()))
    steps.add_row(Text(zh="有错误的文件被拒收", en="file with errors refused").to(lang), refused)
    for step, result in (*developer, *researcher):
        steps.add_row(step.to(lang), result)
    steps.add_row(Text(zh="服务进程内存", en="memory of the server").to(lang), f"{memory:.0f} MiB")
    steps.add_row(Text(zh="用时", en="time").to(lang), f"{seconds:.1f} s")
    out.print(steps)
    accounts = platform.home / PASSWORDS
    last = Text(
        zh=f"接下来：make serve，然后打开 http://127.0.0.1:8000 。账号见 {accounts}",
        en=f"Next: make serve, then open http://127.0.0.1:8000. Accounts are in {accounts}",
    )
    out.print(last.to(lang), soft_wrap=True)


def _dataset_row(dataset: Dataset, connection: Any, release_id: str | None, lang: str) -> list[str]:
    openness = {
        Openness.OPEN: Text(zh="无条件开放", en="open"),
        Openness.CONDITIONAL: Text(zh="有条件开放", en="conditional"),
        Openness.CLOSED: Text(zh="不予开放", en="closed"),
    }[dataset.openness]
    if release_id is None:
        return [dataset.title.to(lang), openness.to(lang), "", "", "", "", dataset.negative_list_item or ""]
    found = load_release(connection, release_id).distributions
    reached = [d.report.after.k if d.report.after and d.report.quasi_identifiers else None for d in found]
    return [
        dataset.title.to(lang),
        openness.to(lang),
        ", ".join(d.tier for d in found),
        ", ".join(f"{d.rows:,}" for d in found),
        ", ".join(f"{d.report.records_suppressed:,}" for d in found),
        ", ".join("–" if k is None else str(k) for k in reached),
        ", ".join(d.report.outcome for d in found),
    ]
