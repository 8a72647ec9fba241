"""Pages about schemas."""

from html.parser import HTMLParser

import pytest

from pipelines.schema_tools import document_schema
from schemas.registry import load_published, published_references
from schemas.table_schema import table_schema_from_descriptor
from schemas.text import LANGUAGES

DESCRIPTOR = {
    "title": "人员", "title_en": "People", "description": "说明", "description_en": "What it is",
    "primaryKey": ["id"],
    "foreignKeys": [{"fields": "code", "reference": {"resource": "codes", "fields": "id"}}],
    "rules": [{
        "name": "r", "kind": "compare", "left": "id", "operator": ">", "value": 0, "level": "warning",
        "text": {"zh": "编号为正", "en": "numbers are positive"},
    }],
    "fields": [
        {"name": "id", "type": "integer", "title": "编号", "title_en": "Number", "role": "non-sensitive",
         "constraints": {"required": True, "minimum": 1}},
        {"name": "a|b", "type": "string", "description": "<b>x</b> | y\nz", "constraints": {"enum": ["p", "q"]}},
        {"name": "code", "type": "string", "meaning": "division-code", "valid_on": "2020"},
        {"name": "pay", "type": "number", "meaning": "money", "unit": "万元", "role": "sensitive"},
    ],
}  # fmt: skip
SCHEMA = table_schema_from_descriptor(DESCRIPTOR, "people", "1.0.0")


def test_markdown_in_chinese():
    page = document_schema(SCHEMA, "zh")
    assert page.startswith("# 人员\n")
    assert "版本: `people@1.0.0` · 主键: id" in page
    assert "| `id` | 编号 | 整数，不带单位和千分位 | 是 | 不得小于 1 | 非敏感 | 123 |  |" in page
    assert "行政区划代码（6 位，GB/T 2260，2020 有效）" in page
    assert "金额（数值，最多 6 位小数），单位 万元" in page
    assert "- code → codes (id)" in page
    assert "- `r`: 编号为正（仅提醒）" in page


def test_markdown_in_english():
    page = document_schema(SCHEMA, "en")
    assert page.startswith("# People\n")
    assert "must be one of: p, q" in page
    assert "numbers are positive (warning only)" in page


def test_markdown_tables_keep_their_shape():
    lines = [line for line in document_schema(SCHEMA, "zh").splitlines() if line.startswith("|")]
    assert len(lines) == 2 + 4
    assert {line.replace("\\|", "").count("|") for line in lines} == {9}
    assert "\\<b>x" in lines[3]


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.seen, self.texts = [], set(), []

    def handle_starttag(self, tag, attrs):
        self.seen.add(tag)
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


@pytest.mark.parametrize("language", LANGUAGES)
def test_html_is_whole_and_escaped(language):
    page = Tags()
    page.feed(document_schema(SCHEMA, language, "html"))
    assert page.open == []
    assert "b" not in page.seen
    assert any("<b>x</b>" in text for text in page.texts)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("reference", published_references())
def test_every_published_schema_has_a_page(reference, language):
    schema = load_published(reference)
    page = document_schema(schema, language)
    assert all(f"`{f.name}`" in page.replace("\\", "") for f in schema.fields)
    assert schema.title.to(language) in page
