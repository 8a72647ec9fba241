"""public_domain: the values a field may take, as its schema tells, whatever the data hold."""

from collections.abc import Mapping

import pyarrow as pa

from anonymize.hierarchies import choose_hierarchy
from schemas.errors import Refused
from schemas.hierarchy import Hierarchy
from schemas.table_schema import SchemaField
from schemas.text import Text

MOST_WHOLE_NUMBERS = 1000  # a field of whole numbers between two bounds is a list of groups up to this many


def public_domain(field: SchemaField, kind: pa.DataType, hierarchies: Mapping[str, Hierarchy]) -> pa.Array:
    """The values a field may take, as its schema tells: its list, its hierarchy's table, true and false, or whole
    numbers between its bounds; and no value, where the field may be empty. Raises Refused `no-public-domain`."""
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    values = _listed(field, kind, hierarchies)
    if values is None:
        raise Refused(
            "no-public-domain",
            Text(
                zh=f"字段 {field.name} 的取值范围未公开列明：以差分隐私发布时，出现哪些分组本身就会泄露信息",
                en=f"the schema does not list the values of field {field.name}: with differential privacy, "
                "which groups occur would itself tell",
            ),
            Text(
                zh="请在表结构中用 enum 列出取值，或指定列出取值的 hierarchy，整数字段可用 minimum 和 maximum",
                en="list them as enum in the schema, name a hierarchy that lists them, or give whole numbers a minimum "
                "and a maximum",
            ),
            field=field.name,
        )
    return values if field.constraints.get("required") else pa.concat_arrays([values, pa.nulls(1, values.type)])


def _listed(field: SchemaField, kind: pa.DataType, hierarchies: Mapping[str, Hierarchy]) -> pa.Array | None:
    if pa.types.is_boolean(kind):
        return pa.array([False, True])
    if values := field.constraints.get("enum"):
        return pa.array(list(dict.fromkeys(str(v) for v in values))).cast(kind)
    if field.hierarchy is not None:
        first = next(iter(choose_hierarchy(field, hierarchies).levels), None)
        if first is not None and first.lookup is not None and first.key_length is None:
            return pa.array(list(first.lookup)).cast(kind)
    low, high = field.constraints.get("minimum"), field.constraints.get("maximum")
    if pa.types.is_integer(kind) and low is not None and high is not None and int(high) - int(low) < MOST_WHOLE_NUMBERS:
        return pa.array(range(int(low), int(high) + 1), kind)
    return None
