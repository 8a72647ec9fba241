"""Who contributes to the cells of a statistical table: the field that tells persons, or enterprises, apart."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from anonymize.hierarchies import distinct_values
from schemas.disclosure import DisclosureControl
from schemas.table_schema import FieldRole, Meaning

# Fields that tell persons, or else enterprises, apart: the surest first. Names do not, but are better than nothing.
SUBJECTS = (
    Meaning.RESIDENT_ID,
    Meaning.SOCIAL_SECURITY_NUMBER,
    Meaning.PROVIDENT_FUND_NUMBER,
    Meaning.PASSPORT,
    Meaning.TRAVEL_PERMIT,
    Meaning.MILITARY_ID,
    Meaning.MOBILE,
    Meaning.PERSON_NAME,
    Meaning.USCC,
    Meaning.ORGANISATION_CODE,
)


def counted_subject(controls: Sequence[DisclosureControl], table: pa.Table) -> str | None:
    """The direct identifier that tells persons apart; None where there is none: every record is then its own.

    A direct identifier without such a meaning, say a number of the record, does not count persons.
    """
    fields = {
        c.meaning: c.field
        for c in reversed(controls)
        if c.role is FieldRole.DIRECT_IDENTIFIER and c.field in table.column_names
    }
    return next((fields[meaning] for meaning in SUBJECTS if meaning in fields), None)


def contributors(controls: Sequence[DisclosureControl], table: pa.Table) -> np.ndarray:
    """Row → number of its contributor (int64). A record that tells no person is a contributor of its own."""
    rows = np.arange(table.num_rows)
    subject = counted_subject(controls, table)
    if subject is None:
        return rows
    codes, values = distinct_values(table[subject])
    nobody = np.asarray(values.is_null())[codes] if len(codes) else np.zeros(0, bool)
    return np.where(nobody, len(values) + rows, codes)
