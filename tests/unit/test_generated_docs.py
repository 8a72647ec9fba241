"""Commands, settings, routes and error codes are documented: the generated pages are what docs/generate.py writes."""

import importlib.util
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_reference_is_up_to_date() -> None:
    spec = importlib.util.spec_from_file_location("docs_generate", ROOT / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for name, content in module.pages().items():
        written = (ROOT / "docs" / "reference" / name).read_text("utf-8")
        assert written == content, f"{name} is out of date: run python docs/generate.py"
