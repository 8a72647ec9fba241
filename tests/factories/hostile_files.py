"""Small files that stand for very much: what costs a few kilobytes on disk fills hundreds of megabytes of memory."""

from pathlib import Path

import pyarrow as pa
import pyarrow.csv  # as pa.csv
import pyarrow.parquet as pq

from pipelines.demo import CITY

MARK = "某某路口"  # the start of the long cells: no message may repeat it
LONG = 1 << 18  # characters


def repeated_by_difference(path: Path, rows: int = 1200) -> Path:
    """Bus stops with one long name in every row, each written as “as before” (DELTA_BYTE_ARRAY): Arrow makes all
    of them, 300 MB, before anybody sees the first."""
    stops = pa.csv.read_csv(CITY / "sources" / "bus-stops.csv")
    same = pa.array([0] * rows, pa.int32())

    def everywhere(value: object) -> pa.Array:
        return pa.DictionaryArray.from_arrays(same, pa.array([value]))

    columns = {name: everywhere(stops[name][0].as_py()) for name in stops.column_names}
    columns["stop_id"] = pa.array([f"LC{n:05}" for n in range(rows)])
    columns["stop_name"] = everywhere(MARK + "x" * LONG)
    table = pa.table(columns)
    encodings = {"stop_name": "DELTA_BYTE_ARRAY"}
    options = {"use_dictionary": False, "column_encoding": encodings, "write_statistics": False, "store_schema": False}
    with pq.ParquetWriter(path, table.schema, compression="zstd", **options) as writer:
        writer.write_table(table, row_group_size=rows)
    return path


def repeated_by_list(path: Path, rows: int = 14_000) -> Path:
    """Penalties whose legal basis is long, from a list of as many texts as the sample has: 80 KB, 350 MB as text."""
    penalties = pa.csv.read_csv(
        CITY / "sources" / "administrative-penalties.csv", read_options=pa.csv.ReadOptions(encoding="gb18030")
    )
    turn = pa.array([n % len(penalties) for n in range(rows)], pa.int32())
    columns = {name: penalties[name].combine_chunks().take(turn) for name in penalties.column_names}
    columns["决定书文号"] = pa.array([f"澜市监罚〔2026〕{n}号" for n in range(rows)])
    texts = [MARK + f"第{n}条" * 3000 for n in range(len(penalties))]
    columns["处罚依据"] = pa.DictionaryArray.from_arrays(turn, pa.array(texts))
    pq.write_table(pa.table(columns), path, compression="zstd", store_schema=False)
    return path
