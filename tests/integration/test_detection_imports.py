"""Detection of Chinese columns starts neither Presidio nor spaCy nor onnxruntime: they cost seconds and memory."""

import subprocess
import sys

PROGRAM = """
import sys
import pyarrow as pa
from anonymize.classify import classify_fields
from anonymize.detect import detect
from anonymize.spans import find_spans
detect(pa.table({"手机": ["13812345678"] * 9, "备注": ["申请人张三，电话13812345678，请回复"] * 9}))
find_spans(["申请人张三，电话13812345678"])
print([m for m in ("presidio_analyzer", "spacy", "onnxruntime", "torch") if m in sys.modules])
"""


def test_nothing_heavy_is_imported() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
