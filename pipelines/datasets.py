"""Declared datasets: read declarations, record them, find them again."""

from collections.abc import Container
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
import yaml
from pydantic import ValidationError

from catalog_config.configuration import Configuration
from governance.audit import record
from governance.database.dataset_tables import datasets
from governance.declaration_changes import others_rely, propose_change
from schemas.actor import Actor, Duty
from schemas.dataset import CHANGED_AT_ONCE, Dataset, unknown_dataset
from schemas.errors import NotFound, NotPermitted, Refused
from schemas.registry import load_published
from schemas.text import Text
from schemas.yaml_text import read_yaml


def read_declaration(path: Path) -> Dataset:
    """The declaration in a YAML file; a relative `source` is resolved against the file's folder."""
    try:
        declared = Dataset.model_validate(read_yaml(path.read_text("utf-8")))
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise _wrong_declaration(path, wrong) from None
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise _wrong_declaration(path, str(error).splitlines()[0]) from None
    if declared.source is None:
        return declared
    return declared.model_copy(update={"source": str((path.parent / declared.source).resolve())})


def _wrong_declaration(path: Path, wrong: str) -> Refused:
    return Refused(
        "invalid-declaration",
        Text(zh=f"数据集声明 {path.name} 有误：{wrong}", en=f"the declaration {path.name} is wrong: {wrong}"),
        Text(
            zh="请对照 docs/reference/dataset-declaration.md 改正",
            en="correct it after docs/reference/dataset-declaration.md",
        ),
        field="declaration",
    )


def check_references(dataset: Dataset, configuration: Configuration) -> None:
    """Refuse a declaration that names something unknown; names everything that is wrong at once."""
    named: list[tuple[str, str, Container[str]]] = [
        ("publisher", dataset.publisher, configuration.organisations),
        ("licence", dataset.licence, configuration.licences),
        ("policy", dataset.policy, configuration.policies),
        *(("themes", theme, configuration.themes) for theme in dataset.themes),
        *(("negative_list_item", i, configuration.negative_list) for i in [dataset.negative_list_item] if i),
    ]
    wrong = [f"{field}: {name}" for field, name, known in named if name not in known]
    if dataset.table_schema:
        try:
            _check_statistics(dataset, configuration, wrong)
        except NotFound:
            wrong.append(f"schema: {dataset.table_schema}")
    if wrong:
        listed = ", ".join(wrong)
        raise Refused(
            "unknown-reference",
            Text(zh=f"声明引用了不存在的内容：{listed}", en=f"the declaration names what does not exist: {listed}"),
            Text(
                zh="请在 catalog_config 中添加，或改正声明", en="add it to catalog_config, or correct the declaration"
            ),
            field=wrong[0].split(":")[0],
        )


def _check_statistics(dataset: Dataset, configuration: Configuration, wrong: list[str]) -> None:
    schema = load_published(dataset.table_schema or "", configuration.schemas)
    if dataset.statistics:
        known = {f.name for f in schema.fields}
        wrong += [f"statistics: {n}" for n in (*dataset.statistics.by, *dataset.statistics.measured) if n not in known]


def apply_dataset(
    connection: sa.Connection, dataset: Dataset, configuration: Configuration, actor: Actor, now: datetime
) -> bool:
    """Record a declaration; True when it is new or changed. Applying it again changes nothing.

    What readers of a published dataset, or reviewers who have signed its release, rely on is not changed here but
    proposed: see `waiting_change`. Applying the declaration that holds takes a proposal back.
    """
    require_steward(dataset, actor)
    check_references(dataset, configuration)
    declaration = dataset.model_dump(mode="json", by_alias=True, exclude={"source"})
    held = connection.execute(
        sa.select(datasets.c.declaration).where(datasets.c.name == dataset.name).with_for_update()
    ).scalar()
    if held is None:
        return _record_declaration(connection, dataset.name, {}, declaration, actor, now)
    known = Dataset.model_validate(held)
    if known.publisher != dataset.publisher:
        require_steward(known, actor)
    held = known.model_dump(mode="json", by_alias=True, exclude={"source"})  # as this version would write it
    if not others_rely(connection, dataset.name):
        return _record_declaration(connection, dataset.name, held, declaration, actor, now)
    at_once = {**held, **{name: declaration[name] for name in CHANGED_AT_ONCE}}
    changed = _record_declaration(connection, dataset.name, held, at_once, actor, now)
    return propose_change(connection, dataset.name, at_once, declaration, actor=actor, now=now) or changed


def _record_declaration(
    connection: sa.Connection,
    name: str,
    held: dict[str, Any],
    declaration: dict[str, Any],
    actor: Actor,
    now: datetime,
) -> bool:
    if held == declaration:
        return False
    values = {"declaration": declaration, "updated_at": now, "updated_by": actor.id}
    if held:
        connection.execute(datasets.update().where(datasets.c.name == name).values(**values))
    else:
        connection.execute(datasets.insert().values(name=name, **values))
    record(connection, actor=actor, action="dataset.apply", subject=f"dataset:{name}", now=now)
    return True


def load_dataset(connection: sa.Connection, name: str) -> Dataset:
    """Raises NotFound."""
    row = connection.execute(sa.select(datasets.c.declaration).where(datasets.c.name == name)).first()
    if row is None:
        raise unknown_dataset()
    return Dataset.model_validate(row.declaration)


def list_datasets(connection: sa.Connection) -> list[Dataset]:
    rows = connection.execute(sa.select(datasets.c.declaration).order_by(datasets.c.name))
    return [Dataset.model_validate(row.declaration) for row in rows]


def require_steward(dataset: Dataset, actor: Actor) -> None:
    """Stewards act for datasets of their organisation; operators for all. Raises NotPermitted with the reason."""
    if Duty.OPERATOR in actor.duties:
        return
    if Duty.STEWARD in actor.duties and actor.organisation == dataset.publisher:
        return
    raise NotPermitted(
        "not-steward",
        Text(
            zh="只有发布单位的数据专员可以操作这个数据集",
            en="only a data steward of the publishing organisation may do this",
        ),
        Text(zh="请由该单位的数据专员登录后操作", en="sign in as a data steward of that organisation"),
    )
