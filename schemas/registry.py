"""Registry of published table schemas: `published/<name>/<version>/schema.yaml` (or .json)."""

import json
from functools import cache
from pathlib import Path

import yaml

from schemas.errors import ConfigurationError, NotFound
from schemas.table_schema import TableSchema, table_schema_from_descriptor
from schemas.text import Text
from schemas.yaml_text import read_yaml

PUBLISHED = Path(__file__).parent / "published"


def schema_folder(name: str, version: str, root: Path = PUBLISHED) -> Path:
    """Folder of one version: schema, README and examples (`valid*.csv`, `invalid*.csv`)."""
    return root / name / version


def published_references(root: Path = PUBLISHED) -> list[str]:
    """All `name@version`, sorted by name, then by version, oldest first."""
    found = [(p.parent.parent.name, p.parent.name) for p in root.glob("*/*/schema.*")]
    return [f"{name}@{version}" for name, version in sorted(found, key=lambda nv: (nv[0], version_key(nv[1])))]


def version_key(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def load_published(reference: str, root: Path = PUBLISHED) -> TableSchema:
    """The schema `name@version`, or the newest one of `name`. Raises NotFound."""
    name, _, version = reference.partition("@")
    known = [r for r in published_references(root) if r.split("@")[0] == name]
    chosen = reference if version else (known[-1] if known else reference)
    if chosen not in known:
        listed = ", ".join(known or published_references(root)) or "-"
        raise NotFound(
            "unknown-schema",
            Text(zh=f"没有已发布的表结构“{reference}”", en=f"there is no published table schema “{reference}”"),
            Text(zh=f"可用的有：{listed}", en=f"published are: {listed}"),
            field="schema",
        )
    chosen_name, _, chosen_version = chosen.partition("@")
    return _load(schema_folder(chosen_name, chosen_version, root))


@cache
def _load(folder: Path) -> TableSchema:
    return load_schema_file(next(iter(sorted(folder.glob("schema.*")))), folder.parent.name, folder.name)


def load_schema_file(path: Path, name: str | None = None, version: str = "0.0.0") -> TableSchema:
    """A schema of a YAML or JSON file. Raises ConfigurationError naming the file and what is wrong."""
    try:
        text = path.read_text("utf-8")
        descriptor = json.loads(text) if path.suffix == ".json" else read_yaml(text)
        return table_schema_from_descriptor(descriptor, name or path.stem, version)
    except (OSError, ValueError, KeyError, TypeError, yaml.YAMLError) as error:
        raise ConfigurationError(
            "unreadable-schema",
            Text(
                zh=f"表结构文件 {path.name} 无法读取：{error}",
                en=f"table schema file {path.name} cannot be read: {error}",
            ),
            Text(
                zh="请提供符合 Frictionless Table Schema 的 YAML 或 JSON 文件",
                en="give a YAML or JSON file that follows the Frictionless Table Schema",
            ),
            field="schema",
        ) from None
