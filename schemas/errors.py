"""Errors as inert data. The edge (command line, HTTP) turns a class into an exit code or a status.

No message, remedy or field may hold a raw value of a table.
"""

from schemas.text import Text


class GongkaiError(Exception):
    """Base of every error meant for users.

    code: stable kebab-case name, documented in docs/reference/errors.md.
    message: what is wrong. remedy: what to do. field: the input it is about.
    """

    def __init__(self, code: str, message: Text, remedy: Text | None = None, field: str | None = None):
        super().__init__(f"{code}: {message.en}")
        self.code = code
        self.message = message
        self.remedy = remedy
        self.field = field


class Refused(GongkaiError):
    """The data or the request is refused (exit 1, HTTP 422)."""


class Conflict(Refused):
    """The state does not allow it now (exit 1, HTTP 409)."""


class NotFound(GongkaiError):
    """The thing named does not exist, or the asker may not know of it (exit 1, HTTP 404)."""


class Withdrawn(GongkaiError):
    """The release was published once and has been withdrawn (exit 1, HTTP 410)."""


class NotAuthenticated(GongkaiError):
    """Nobody is signed in, or the token is unknown, expired or revoked (exit 1, HTTP 401)."""


class TooManyAttempts(GongkaiError):
    """It was tried too often; `retry_after` seconds from now it may be tried again (exit 1, HTTP 429)."""

    def __init__(
        self, code: str, message: Text, remedy: Text | None = None, field: str | None = None, *, retry_after: int = 60
    ):
        super().__init__(code, message, remedy, field)
        self.retry_after = retry_after


class NotPermitted(GongkaiError):
    """This actor may not do it; the message carries the reason (exit 1, HTTP 403)."""


class TooLarge(Refused):
    """The input is over a limit (exit 1, HTTP 413)."""


class ConfigurationError(GongkaiError):
    """Usage or configuration is wrong (exit 2, HTTP 500)."""


class DependencyFailed(GongkaiError):
    """Something we depend on failed; trying again may help (exit 3, HTTP 503)."""
