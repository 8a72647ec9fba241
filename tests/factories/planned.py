"""A planned control of a field with constraints, as the statistical tier sees it."""

from typing import Any

from schemas.disclosure import Control, DisclosureControl
from schemas.table_schema import FieldRole, Meaning, SchemaField
from tests.factories.disclosure import text


def planned(
    name: str, role: FieldRole, type: str = "string", meaning: Meaning | None = None, **constraints: Any
) -> DisclosureControl:
    declared = SchemaField(
        name=name,
        type=type,
        title=text(name),
        description=text(""),
        role=role,
        meaning=meaning,
        constraints=constraints,
    )
    return DisclosureControl(
        field=name, role=role, meaning=meaning, control=Control.KEEP, declared=declared, reason=text("test")
    )
