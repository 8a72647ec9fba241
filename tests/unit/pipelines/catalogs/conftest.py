from pathlib import Path

import pytest

from pipelines.catalogs.embedded import EmbeddedCatalog
from tests.catalog_factory import open_catalog


@pytest.fixture
def catalog(tmp_path: Path) -> EmbeddedCatalog:
    return open_catalog(tmp_path)
