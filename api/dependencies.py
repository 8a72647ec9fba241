"""What handlers ask for: the platform, who asks, the moment. `Annotated` once, used everywhere."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends, Request

from api.identity import current_actor, signed_in_actor
from pipelines.platform import Platform
from schemas.actor import Actor


def _platform(request: Request) -> Platform:
    platform: Platform = request.app.state.platform
    return platform


def _now() -> datetime:
    return datetime.now(UTC)


ThePlatform = Annotated[Platform, Depends(_platform)]
Asker = Annotated[Actor, Depends(current_actor)]
SignedIn = Annotated[Actor, Depends(signed_in_actor)]
Now = Annotated[datetime, Depends(_now)]
