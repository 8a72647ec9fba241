"""E-mail address. Source: RFC 5321 in the forms people use; Presidio's own pattern needs a Unicode \\b."""

from anonymize.recognizers.specification import LETTERS, Pattern, Specification
from schemas.table_schema import Meaning

SPECIFICATION = Specification(
    entity="EMAIL_ADDRESS",
    meaning=Meaning.EMAIL,
    patterns=(
        Pattern(
            "email",
            r"(?<![0-9A-Za-z._%+-])[0-9A-Za-z_%+][0-9A-Za-z._%+-]{0,63}@[0-9A-Za-z](?:[0-9A-Za-z-]{0,62})"
            r"(?:\.[0-9A-Za-z-]{1,63}){0,8}\.[A-Za-z]{2,24}(?![0-9A-Za-z])",
            r"[0-9A-Za-z_%+.-]@[0-9A-Za-z][0-9A-Za-z.-]*\.[A-Za-z]{2}",
            0.9,
        ),
        Pattern(
            "email-spelled",
            r"(?<![0-9A-Za-z._%+-])[0-9A-Za-z_%+][0-9A-Za-z._%+-]{0,63}(?: ?(?:\((?i:at)\)|\[(?i:at)\]) ?| @ ?|@ )"
            r"[0-9A-Za-z][0-9A-Za-z-]{0,62}(?:\.[0-9A-Za-z-]{1,63}){0,8}\.[A-Za-z]{2,24}(?![0-9A-Za-z])",
            r"(?i)[0-9A-Z_%+.-] ?(?:\(at\)|\[at\]|@) ?[0-9A-Z][0-9A-Z.-]*\.[A-Z]{2}",
            0.7,
        ),
    ),
    context_zh=("邮箱", "邮件", "电子邮箱"),
    context_en=("email", "e-mail", "mail"),
    holds=LETTERS,
)
