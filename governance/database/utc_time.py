"""A time column that is always aware and in UTC, on SQLite too (which stores no zone)."""

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa


class UtcTime(sa.TypeDecorator[datetime]):
    """DateTime(timezone=True) that refuses naive values and gives back aware ones in UTC."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone cannot be stored")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
