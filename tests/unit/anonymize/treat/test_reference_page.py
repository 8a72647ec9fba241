"""The reference page of policies: its example runs, and it lists everything there is."""

import re
from pathlib import Path

import pytest

import catalog_config
from anonymize.built_in_hierarchies import BUILT_IN
from anonymize.treatments.masking import STYLES
from catalog_config.configuration import load_configuration
from schemas.disclosure import CONTROL_PARAMETERS, MaskStyle, Thresholds, TierPolicy
from schemas.hierarchy import Level

ROOT = Path(__file__).resolve().parents[4]
PAGE = (ROOT / "docs" / "reference" / "disclosure-policy.md").read_text("utf-8")


def test_the_example_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    example = re.search(r"<!-- example: begin -->\n```python\n(.*?)```", PAGE, re.DOTALL)
    assert example is not None
    monkeypatch.chdir(ROOT)
    exec(compile(example.group(1), "disclosure-policy.md", "exec"), {})


def test_nothing_is_left_out() -> None:
    configuration = load_configuration(Path(catalog_config.__file__).parent)
    names = [
        *Thresholds.model_fields,
        *TierPolicy.model_fields,
        *(f for f in Level.model_fields if f not in ("fill", "key_length", "top")),
        *STYLES,
        *BUILT_IN,
        *configuration.hierarchies,
        *configuration.policies,
        *CONTROL_PARAMETERS,
        *(parameter for parameters in CONTROL_PARAMETERS.values() for parameter in parameters),
    ]
    assert set(STYLES) == set(MaskStyle)
    assert [name for name in names if f"`{name}" not in PAGE] == []
