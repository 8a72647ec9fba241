"""plan_controls: which control each field gets in each tier, and why. Fails closed."""

from collections.abc import Mapping, Sequence

from anonymize.datums import NAME_OF_DATUM
from anonymize.hierarchies import choose_hierarchy
from anonymize.treatments.masking import STYLE_OF_MEANING
from schemas.dataset import Tier
from schemas.disclosure import Control, ControlSpec, DisclosureControl, DisclosurePolicy, MaskStyle, TierPolicy
from schemas.errors import ConfigurationError, Refused
from schemas.hierarchy import Hierarchy
from schemas.table_schema import FieldRole, SchemaField, TableSchema
from schemas.text import Text

# A meaning alone never frees these: a quasi-identifier stays one, whatever its values mean.
ROLES_BEFORE_MEANING = frozenset({FieldRole.QUASI_IDENTIFIER, FieldRole.SENSITIVE, FieldRole.FREE_TEXT})
ROLE_TEXTS = {
    FieldRole.DIRECT_IDENTIFIER: Text(zh="直接标识", en="direct identifier"),
    FieldRole.QUASI_IDENTIFIER: Text(zh="准标识", en="quasi-identifier"),
    FieldRole.SENSITIVE: Text(zh="敏感属性", en="sensitive"),
    FieldRole.NON_SENSITIVE: Text(zh="非敏感", en="non-sensitive"),
    FieldRole.FREE_TEXT: Text(zh="自由文本", en="free text"),
}


def plan_controls(
    schema: TableSchema,
    roles: Mapping[str, FieldRole],
    policy: DisclosurePolicy,
    tiers: Sequence[Tier],
    hierarchies: Mapping[str, Hierarchy] | None = None,
) -> dict[Tier, tuple[DisclosureControl, ...]]:
    """One control per field and tier, in the schema's order.

    hierarchies: those of the configuration, beside the built-in ones. Raises Refused `unclassified-field`;
    ConfigurationError `tier-without-policy`, `role-without-control`, `unknown-hierarchy`.
    """
    _check_roles(schema, roles)
    datums = _declared_datums(schema)
    return {
        tier: tuple(
            _control(field, roles[field.name], _tier_policy(policy, tier), policy, hierarchies or {}, datums)
            for field in schema.fields
        )
        for tier in tiers
    }


def _declared_datums(schema: TableSchema) -> dict[str, str]:
    """Field → the datum its schema declares, as policies name it."""
    declared = {f["name"]: f.get("datum") for f in schema.descriptor.get("fields", ())}
    return {name: NAME_OF_DATUM[datum] for name, datum in declared.items() if datum in NAME_OF_DATUM}


def _check_roles(schema: TableSchema, roles: Mapping[str, FieldRole]) -> None:
    missing = [f.name for f in schema.fields if f.name not in roles]
    if missing:
        raise Refused(
            "unclassified-field",
            Text(
                zh=f"以下字段没有确定字段角色：{'、'.join(missing)}",
                en=f"these fields have no disclosure role: {', '.join(missing)}",
            ),
            Text(zh="请在表结构中为每个字段声明 role", en="declare `role` for each field in the table schema"),
            field=", ".join(missing),
        )


def _tier_policy(policy: DisclosurePolicy, tier: Tier) -> TierPolicy:
    if tier not in policy.tiers:
        raise ConfigurationError(
            "tier-without-policy",
            Text(zh=f"披露策略 {policy.name} 未规定 {tier} 级", en=f"policy {policy.name} does not cover tier {tier}"),
            Text(
                zh="请在策略中补充该级，或为数据集改用其他策略", en="add the tier to the policy or name another policy"
            ),
            field="policy",
        )
    return policy.tiers[tier]


def _control(
    field: SchemaField,
    role: FieldRole,
    tier_policy: TierPolicy,
    policy: DisclosurePolicy,
    hierarchies: Mapping[str, Hierarchy],
    datums: Mapping[str, str],
) -> DisclosureControl:
    spec, by_meaning = _spec(field, role, tier_policy, policy)
    generalised = spec.control is Control.GENERALISE
    levels = choose_hierarchy(field, hierarchies) if generalised else None
    parameters = dict(spec.parameters)
    if spec.control is Control.MASK and "style" not in parameters:
        parameters["style"] = STYLE_OF_MEANING.get(field.meaning, MaskStyle.FULL) if field.meaning else MaskStyle.FULL
    if spec.control is Control.COARSEN and field.name in datums:
        parameters["datum"] = datums[field.name]  # what the data says of itself goes before what the policy supposes
    if spec.to_district:
        parameters.setdefault("least", tier_policy.thresholds.k)
    role_text = ROLE_TEXTS[role]
    return DisclosureControl(
        field=field.name,
        role=role,
        meaning=field.meaning,
        control=spec.control,
        parameters=parameters,
        hierarchy=levels.name if levels else None,
        levels=levels,
        declared=field,
        reason=Text(
            zh=f"策略 {policy.name} 按含义 {field.meaning} 规定"
            if by_meaning
            else f"策略 {policy.name} 对{role_text.zh}的规定",
            en=f"policy {policy.name}, by meaning {field.meaning}"
            if by_meaning
            else f"policy {policy.name}, for role {role_text.en}",
        ),
    )


def _spec(
    field: SchemaField, role: FieldRole, tier_policy: TierPolicy, policy: DisclosurePolicy
) -> tuple[ControlSpec, bool]:
    """The control the policy states for the field, and whether its meaning decided."""
    if field.meaning is not None and field.meaning in tier_policy.by_meaning:
        spec = tier_policy.by_meaning[field.meaning]
        if role not in ROLES_BEFORE_MEANING or spec.control is not Control.KEEP:
            return spec, True
    if role not in tier_policy.by_role:
        raise ConfigurationError(
            "role-without-control",
            Text(
                zh=f"披露策略 {policy.name} 未规定角色 {role}（字段 {field.name}）",
                en=f"policy {policy.name} has no control for role {role} (field {field.name})",
            ),
            Text(zh="请在策略的 by_role 中补充该角色", en="add the role to by_role of the policy"),
            field=field.name,
        )
    return tier_policy.by_role[role], False
