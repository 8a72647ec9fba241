"""Tools for those who write table schemas: infer a draft, compare two versions, make a page."""

from pipelines.schema_tools.diff import SchemaChange, SchemaDiff, diff_schemas
from pipelines.schema_tools.docs import document_schema
from pipelines.schema_tools.infer import InferredSchema, infer_schema, to_yaml

__all__ = [
    "InferredSchema",
    "SchemaChange",
    "SchemaDiff",
    "diff_schemas",
    "document_schema",
    "infer_schema",
    "to_yaml",
]
