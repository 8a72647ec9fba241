import hashlib
from pathlib import Path

import pytest

from pipelines.store import Store
from schemas.errors import DependencyFailed, NotFound


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "releases")


def _file(folder: Path, content: bytes) -> Path:
    path = folder / "source"
    path.write_bytes(content)
    return path


def test_a_file_is_named_by_its_digest_and_kept_once(store: Store, tmp_path: Path) -> None:
    digest = store.add(_file(tmp_path, b"abc"))
    assert digest == hashlib.sha256(b"abc").hexdigest()
    assert store.add(_file(tmp_path, b"abc")) == digest
    assert store.path(digest).read_bytes() == b"abc"
    assert sum(1 for p in store.folder.rglob("*") if p.is_file()) == 1


def test_a_changed_file_is_noticed(store: Store, tmp_path: Path) -> None:
    digest = store.add(_file(tmp_path, b"reviewed"))
    store.verify(digest)
    store.path(digest).write_bytes(b"changed!")
    with pytest.raises(DependencyFailed, match="digest-mismatch"):
        store.verify(digest)


@pytest.mark.parametrize("digest", ["", "../../etc/passwd", "a" * 63, "g" * 64, "A" * 64])
def test_what_is_no_digest_is_not_found(store: Store, digest: str) -> None:
    with pytest.raises(NotFound):
        store.path(digest)
