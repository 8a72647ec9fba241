"""The reason that somebody gives for a decision."""

from schemas.errors import Refused
from schemas.text import Text

LONGEST_REASON = 2000  # characters


def checked_reason(reason: str, remedy: Text, *, wanted: bool = True, longest: int = LONGEST_REASON) -> str:
    """`reason` without blanks around it. wanted: it may not be empty. longest: in characters.

    Raises Refused `reason-missing`, `reason-too-long`.
    """
    stripped = reason.strip()
    if wanted and not stripped:
        raise Refused(
            "reason-missing",
            Text(zh=f"请说明理由（不超过{longest}字）", en=f"give a reason of up to {longest} characters"),
            remedy,
            field="reason",
        )
    if len(stripped) > longest:
        raise Refused(
            "reason-too-long",
            Text(zh=f"理由不能超过{longest}字", en=f"a reason has {longest} characters at most"),
            remedy,
            field="reason",
        )
    return stripped
