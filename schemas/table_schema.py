"""Table schema: a Frictionless Table Schema whose fields also carry a role and a meaning.

Source: Table Schema, https://specs.frictionlessdata.io/table-schema/. Our additions are custom properties:
`title_en`, `description_en`, `role`, `meaning`, `hierarchy`.
"""

from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from schemas.text import Text


class FieldRole(StrEnum):
    """Disclosure role of a field."""

    DIRECT_IDENTIFIER = "direct-identifier"
    QUASI_IDENTIFIER = "quasi-identifier"
    SENSITIVE = "sensitive"
    NON_SENSITIVE = "non-sensitive"
    FREE_TEXT = "free-text"


class Meaning(StrEnum):
    """What the values of a field are. Checked by validation, used by detection and by policies."""

    RESIDENT_ID = "resident-id"  # 公民身份号码 GB 11643
    PASSPORT = "passport"
    TRAVEL_PERMIT = "travel-permit"  # 港澳台通行证
    MILITARY_ID = "military-id"
    SOCIAL_SECURITY_NUMBER = "social-security-number"
    PROVIDENT_FUND_NUMBER = "provident-fund-number"
    MOBILE = "mobile"
    LANDLINE = "landline"
    TELEPHONE = "telephone"  # of any kind and country
    EMAIL = "email"
    BANK_CARD = "bank-card"
    PLATE = "plate"
    IP_ADDRESS = "ip-address"
    MAC_ADDRESS = "mac-address"
    WECHAT = "wechat"
    QQ = "qq"
    PERSON_NAME = "person-name"
    LEGAL_REPRESENTATIVE = "legal-representative"  # 法定代表人: public by law
    ADDRESS = "address"
    POSTCODE = "postcode"
    USCC = "uscc"  # 统一社会信用代码 GB 32100
    ORGANISATION_CODE = "organisation-code"  # GB 11714
    ORGANISATION_NAME = "organisation-name"
    DIVISION_CODE = "division-code"  # GB/T 2260
    INDUSTRY = "industry"  # GB/T 4754
    OCCUPATION = "occupation"
    GENDER = "gender"
    AGE = "age"
    DATE_OF_BIRTH = "date-of-birth"
    DATE_COMPACT = "date-compact"  # YYYYMMDD
    LONGITUDE = "longitude"
    LATITUDE = "latitude"
    MONEY = "money"
    CODE = "code"
    FREE_TEXT = "free-text"


class SchemaField(BaseModel):
    """One field. `role` None means undecided: preparing then stops unless detection and declaration agree."""

    model_config = ConfigDict(frozen=True)

    name: str
    type: str = "any"
    title: Text
    description: Text
    role: FieldRole | None = None
    meaning: Meaning | None = None
    hierarchy: str | None = None  # name of a hierarchy in catalog_config/hierarchies, or of a built-in one
    constraints: dict[str, Any] = Field(default_factory=dict)


class TableSchema(BaseModel):
    """A table schema at one version. `descriptor` is the whole Frictionless descriptor, unchanged."""

    model_config = ConfigDict(frozen=True)

    name: str
    version: str
    title: Text
    description: Text
    fields: tuple[SchemaField, ...]
    descriptor: dict[str, Any]

    @property
    def reference(self) -> str:
        return f"{self.name}@{self.version}"

    def field(self, name: str) -> SchemaField:
        return next(f for f in self.fields if f.name == name)


def table_schema_from_descriptor(descriptor: dict[str, Any], name: str, version: str) -> TableSchema:
    """A TableSchema of a Frictionless descriptor. Raises ValueError naming the field that is wrong."""
    return TableSchema(
        name=name,
        version=version,
        title=_text(descriptor, "title", name),
        description=_text(descriptor, "description", ""),
        fields=tuple(
            SchemaField(
                name=f["name"],
                type=f.get("type", "any"),
                title=_text(f, "title", f["name"]),
                description=_text(f, "description", ""),
                role=f.get("role"),
                meaning=f.get("meaning"),
                hierarchy=f.get("hierarchy"),
                constraints=f.get("constraints", {}),
            )
            for f in descriptor["fields"]
        ),
        descriptor=descriptor,
    )


def _text(descriptor: dict[str, Any], key: str, default: str) -> Text:
    zh = descriptor.get(key) or default
    return Text(zh=zh, en=descriptor.get(f"{key}_en") or zh)
