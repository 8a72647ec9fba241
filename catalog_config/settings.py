"""Settings of the environment, read once at the start. An unknown `GONGKAI_…` variable stops the start."""

import os
from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from schemas.errors import ConfigurationError
from schemas.registry import PUBLISHED
from schemas.text import Text

PREFIX = "GONGKAI_"
LEAST_MEMORY = 768 * 1024**2  # the libraries alone take most of it
OF_THE_TESTS = "GONGKAI_TEST_"  # name services for the tests; the platform does not read them


class Settings(BaseModel):
    """One field per environment variable: `home` is GONGKAI_HOME, and so on.

    home: the one folder that holds all state. configuration: folder of configuration data. schemas: folder of published
    table schemas. boundaries: folder of boundaries of districts; empty means `boundaries` in `configuration`, if there.
    database_url: SQLAlchemy address; empty means SQLite in `home`. ckan_url: empty means the embedded catalogue.
    trusted_proxies: addresses or networks, separated by commas, whose X-Forwarded-For is believed; empty: nobody's.
    upload_limit: bytes of one uploaded file. timezone: IANA name used for clocks and pages.
    worker_memory: bytes of memory that a worker process may take, its libraries (about 0.5 GiB) included; empty means
    three quarters of the machine's or container's. What takes more is refused (`too-much-memory`). With several workers
    on one machine, give each its share.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    home: Path = Path("var")
    configuration: Path = Path(__file__).parent
    schemas: Path = PUBLISHED
    boundaries: Path | None = None
    database_url: str = ""
    site_url: str = "http://127.0.0.1:8000"
    trusted_proxies: str = ""
    ckan_url: str = ""
    ckan_token: str = ""
    smtp_url: str = ""
    mail_from: str = "noreply@localhost"
    timezone: str = "Asia/Shanghai"
    upload_limit: Annotated[int, Field(gt=0)] = 4 * 1024**3
    worker_memory: Annotated[int, Field(ge=LEAST_MEMORY)] | None = None
    session_hours: Annotated[int, Field(gt=0)] = 12

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, listed: str) -> str:
        for part in filter(None, map(str.strip, listed.split(","))):
            ip_network(part, strict=False)  # raises ValueError that names it
        return listed


def read_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """Settings from `environment` (default: the process's). Raises ConfigurationError naming all that is wrong."""
    given = os.environ if environment is None else environment
    values = {
        k.removeprefix(PREFIX).lower(): v
        for k, v in given.items()
        if k.startswith(PREFIX) and not k.startswith(OF_THE_TESTS) and v != ""
    }
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        wrong = "; ".join(f"{PREFIX}{'.'.join(map(str, e['loc'])).upper()}: {e['msg']}" for e in error.errors())
        known = ", ".join(PREFIX + name.upper() for name in Settings.model_fields)
        raise ConfigurationError(
            "unknown-setting",
            Text(zh=f"环境变量有误：{wrong}", en=f"environment variables are wrong: {wrong}"),
            Text(zh=f"可用的变量：{known}", en=f"known variables: {known}"),
        ) from None
