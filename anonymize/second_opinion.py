"""Presidio's view of a sample of every column, beside the column path's: for whoever wants the reference to confirm.

Imports Presidio, which takes seconds and memory; `anonymize.detect` does not.
"""

from collections import Counter

import pyarrow as pa

from anonymize.columns import Column, read_column
from anonymize.presidio_adapter import analyze_text
from anonymize.recognizers.registry import BY_ENTITY
from anonymize.recognizers.specification import has_han
from anonymize.spans import find_spans
from schemas.findings import SecondOpinion

SAMPLE = 200  # distinct cells of a column that Presidio looks at; it takes about a millisecond for each


def ask_presidio(table: pa.Table) -> tuple[SecondOpinion, ...]:
    """For every column and kind that either path finds in the sample: how many cells each finds it in.

    Identifiers alone: names are the business of rules and models, which Presidio does not bring for Chinese. Cells
    without Han characters also meet Presidio's own recognisers for English, whose kinds the column path lacks.
    """
    columns = [read_column(name, table.column(at)) for at, name in enumerate(table.column_names)]
    return tuple(opinion for column in columns for opinion in _opinions(column))


def _opinions(column: Column) -> list[SecondOpinion]:
    texts: list[str] = column.texts.gather(column.sample(SAMPLE)).to_list()
    ours = Counter(
        entity
        for spans in find_spans(texts, all_kinds=True).values()
        for entity in {s.entity for s in spans}
        if entity in BY_ENTITY
    )
    theirs = Counter(
        entity for text in texts for entity in {s.entity for s in analyze_text(text, "zh" if has_han(text) else "en")}
    )
    return [
        SecondOpinion(
            field=column.field, entity=entity, looked_at=len(texts), here=ours[entity], presidio=theirs[entity]
        )
        for entity in sorted(ours | theirs)
    ]
