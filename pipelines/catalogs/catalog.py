"""The one verb the publisher speaks: CKAN's Action API through `call_action`, as ckanapi defines it."""

from typing import Any, Protocol


class Catalog(Protocol):
    """`EmbeddedCatalog` or `ckanapi.RemoteCKAN`; the same conformance tests run against both.

    Raises ckanapi's typed errors: NotFound, NotAuthorized, ValidationError, SearchError, CKANAPIError.
    """

    def call_action(self, action: str, data_dict: dict[str, Any] | None = None) -> Any: ...
