"""The platform behind a request."""

from fastapi import Request

from pipelines.platform import Platform


def platform_of(request: Request) -> Platform:
    """What `create_app` was given."""
    platform: Platform = request.app.state.platform
    return platform
