"""The terms of use that applicants agree to: data in catalog_config/access_terms.yaml, versioned."""

from functools import cache
from importlib.resources import files

from pydantic import BaseModel, ConfigDict, Field

from schemas.text import Text
from schemas.yaml_text import read_yaml


class Terms(BaseModel):
    """version: what an application names. text: one obligation per entry."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: str
    title: Text
    text: tuple[Text, ...] = Field(min_length=1)
    remedies: Text  # told with every refusal that names none of its own


@cache
def current_terms() -> Terms:
    """The terms in force."""
    return Terms.model_validate(read_yaml((files("catalog_config") / "access_terms.yaml").read_text("utf-8")))
