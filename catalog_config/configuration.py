"""Configuration: the platform's configuration as data, loaded and checked at once.

Unknown keys and dangling references stop the start; all errors are reported together, with their file.
"""

from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, InstanceOf, TypeAdapter, ValidationError

from catalog_config.boundaries import load_boundaries
from schemas.dataset import Name
from schemas.disclosure import DisclosurePolicy
from schemas.district import LEVELS, Boundaries
from schemas.errors import ConfigurationError
from schemas.findings import DetectorQuality
from schemas.hierarchy import Hierarchy
from schemas.registry import PUBLISHED
from schemas.text import Text
from schemas.yaml_text import read_yaml


class Organisation(BaseModel):
    """A publishing agency (DCAT dct:publisher, CKAN organization)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name
    title: Text
    description: Text
    uscc: str | None = None
    email: str | None = None


class Licence(BaseModel):
    """A licence as CKAN lists them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    title: Text
    url: str
    is_open: bool


class Theme(BaseModel):
    """A theme (dcat:theme, CKAN group)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name
    title: Text


class NegativeListItem(BaseModel):
    """One item of the negative list (负面清单): what may not be opened, and on what ground."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    title: Text
    legal_basis: Text


class Configuration(BaseModel):
    model_config = ConfigDict(frozen=True)

    organisations: dict[str, Organisation]
    licences: dict[str, Licence]
    themes: dict[str, Theme]
    negative_list: dict[str, NegativeListItem]
    policies: dict[str, DisclosurePolicy]
    hierarchies: dict[str, Hierarchy] = {}
    detector: DetectorQuality | None = None  # absent in tests that configure nothing
    schemas: Path = PUBLISHED  # folder of published table schemas
    boundaries: InstanceOf[Boundaries] | None = None  # of districts; the operator's own, if any


def load_configuration(folder: Path, schemas: Path = PUBLISHED, boundaries: Path | None = None) -> Configuration:
    """Read `organisations.yaml`, `licences.yaml`, `themes.yaml`, `negative_list.yaml`, `detector_quality.yaml`,
    `policies/*.yaml`, `hierarchies/*.yaml`, and the boundaries of districts where there are any: in the folder
    `boundaries`, without it in `folder/boundaries`.

    Raises ConfigurationError that lists every error with its file.
    """
    errors: list[str] = []
    organisations = _read_list(folder / "organisations.yaml", Organisation, errors)
    licences = _read_list(folder / "licences.yaml", Licence, errors)
    themes = _read_list(folder / "themes.yaml", Theme, errors)
    negative_list = _read_list(folder / "negative_list.yaml", NegativeListItem, errors)
    detector = _read(folder / "detector_quality.yaml", DetectorQuality, errors)
    policies = _read_folder(folder / "policies", DisclosurePolicy, errors)
    hierarchies = _read_folder(folder / "hierarchies", Hierarchy, errors)
    own = folder / "boundaries"
    districts = load_boundaries(boundaries or own, errors) if boundaries or own.is_dir() else None
    errors += _districts_without_boundaries(folder, policies, districts)
    if not policies:
        errors.append(f"{folder / 'policies'}: no disclosure policy")
    if errors:
        listed = "\n".join(errors)
        raise ConfigurationError(
            "invalid-configuration",
            Text(zh=f"配置有误：\n{listed}", en=f"the configuration is wrong:\n{listed}"),
            Text(zh="请改正列出的文件后重新启动", en="correct the files listed and start again"),
        )
    return Configuration(
        organisations={o.name: o for o in organisations},
        licences={x.id: x for x in licences},
        themes={t.name: t for t in themes},
        negative_list={n.id: n for n in negative_list},
        policies={p.name: p for p in policies},
        hierarchies={h.name: h for h in hierarchies},
        detector=detector[0],
        schemas=schemas,
        boundaries=districts,
    )


def _districts_without_boundaries(
    folder: Path, policies: list[DisclosurePolicy], boundaries: Boundaries | None
) -> list[str]:
    """Policies that move coordinates to districts of a level that no boundaries can tell."""
    finest = max((LEVELS.index(d.level) for d in boundaries.districts), default=-1) if boundaries else -1
    return [
        f"{folder / 'policies'}: {policy.name}: {tier}: coarsen to district {spec.parameters['district']} needs "
        "boundaries of that level or finer (GONGKAI_BOUNDARIES); or use a grid (metres)"
        for policy in policies
        for tier, tier_policy in policy.tiers.items()
        for spec in (*tier_policy.by_role.values(), *tier_policy.by_meaning.values())
        if spec.to_district and LEVELS.index(spec.parameters["district"]) > finest
    ]


def _read_folder(folder: Path, model: type[Any], errors: list[str]) -> list[Any]:
    return [item for path in sorted(folder.glob("*.yaml")) for item in _read(path, model, errors)]


def _read_list(path: Path, model: type[Any], errors: list[str]) -> list[Any]:
    return [item for items in _read(path, list[model], errors) for item in items]  # type: ignore[valid-type]


def _read(path: Path, kind: Any, errors: list[str]) -> list[Any]:
    try:
        return [TypeAdapter(kind).validate_python(read_yaml(path.read_text("utf-8")))]
    except OSError as error:
        errors.append(f"{path}: {error.strerror}")
    except yaml.YAMLError as error:
        errors.append(f"{path}: {error}")
    except ValidationError as error:
        errors += [f"{path}: {'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]
    return []
