"""Read YAML the safe and fast way (libyaml where PyYAML was built with it)."""

from typing import Any

import yaml

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_yaml(text: str) -> Any:
    """Plain data of one YAML document. Raises yaml.YAMLError."""
    return yaml.load(text, Loader=_LOADER)  # noqa: S506 - both loaders are the safe ones
