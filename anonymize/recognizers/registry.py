"""All specifications, in order of precedence where two matches tie."""

from anonymize.recognizers import (
    bank_card,
    coordinates,
    email,
    iban,
    ip_address,
    landline,
    mac_address,
    military_id,
    mobile,
    organisation_code,
    passport,
    phone_number,
    plate,
    provident_fund,
    qq,
    resident_id,
    social_security,
    travel_permit,
    us_ssn,
    uscc,
    wechat,
)
from anonymize.recognizers.specification import Specification

SPECIFICATIONS: tuple[Specification, ...] = tuple(
    module.SPECIFICATION
    for module in (
        resident_id,
        uscc,
        bank_card,
        email,
        social_security,
        provident_fund,
        wechat,
        qq,
        mobile,
        landline,
        plate,
        iban,
        travel_permit,
        passport,
        military_id,
        organisation_code,
        ip_address,
        mac_address,
        coordinates,
        us_ssn,
        phone_number,
    )
)
BY_ENTITY: dict[str, Specification] = {s.entity: s for s in SPECIFICATIONS}
