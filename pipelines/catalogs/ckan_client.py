"""ckanapi enters here: its client and its typed errors, which the embedded catalogue raises too."""

from ckanapi import RemoteCKAN
from ckanapi.errors import (
    CKANAPIError,
    NotAuthorized,
    NotFound,
    SearchError,
    SearchQueryError,
    ServerIncompatibleError,
    ValidationError,
)

__all__ = [
    "CKANAPIError",
    "NotAuthorized",
    "NotFound",
    "RemoteCKAN",
    "SearchError",
    "SearchQueryError",
    "ServerIncompatibleError",
    "ValidationError",
]
