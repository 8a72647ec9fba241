"""The answer to "may this person?": yes, or no with a reason."""

from dataclasses import dataclass

from schemas.errors import NotPermitted
from schemas.text import Text


@dataclass(frozen=True)
class Permission:
    """allowed, and why not. code: stable name of the reason."""

    allowed: bool
    code: str = ""
    reason: Text | None = None


GIVEN = Permission(True)


def denied(code: str, zh: str, en: str) -> Permission:
    return Permission(False, code, Text(zh=zh, en=en))


def require(permission: Permission) -> None:
    """Raises NotPermitted with the reason."""
    if not permission.allowed and permission.reason is not None:
        raise NotPermitted(
            permission.code,
            permission.reason,
            Text(
                zh="请由符合条件的人员登录办理；职责由运维人员授予（gongkai account）",
                en="let somebody who meets this sign in and do it; the operator gives duties (gongkai account)",
            ),
        )
    if not permission.allowed:
        raise NotPermitted(
            "not-permitted",
            Text(zh="无权操作", en="this is not permitted"),
            Text(zh="请联系有权限的人员办理", en="ask somebody who may"),
        )
