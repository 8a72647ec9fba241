"""What handlers ask for: the platform, who asks, the moment. `Annotated` once, used everywhere."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends, Path

from api.identity import current_actor, signed_in_actor
from api.platform import platform_of
from pipelines.platform import Platform
from schemas.actor import Actor


def _now() -> datetime:
    return datetime.now(UTC)


ThePlatform = Annotated[Platform, Depends(platform_of)]
Asker = Annotated[Actor, Depends(current_actor)]
SignedIn = Annotated[Actor, Depends(signed_in_actor)]
Now = Annotated[datetime, Depends(_now)]
ChangeNumber = Annotated[int, Path(ge=1, le=2**31 - 1)]  # what every database holds
