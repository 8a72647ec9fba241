"""Check an installation against its transparency log: every leaf, every published file's digest."""

from typing import Any

import sqlalchemy as sa

from governance import transparency_log
from governance.database.dataset_tables import publications
from governance.database.engine import reading
from pipelines.package import verify_release
from pipelines.platform import Platform
from pipelines.sources import load_release


def verify_log(platform: Platform) -> dict[str, Any]:
    """size, root (hex) and number of files checked. Raises Conflict or DependencyFailed on any difference."""
    with reading(platform.engine) as connection:
        size, root = transparency_log.verify_log(connection)
        published = connection.execute(
            sa.select(publications.c.release)
            .where(publications.c.release.is_not(None), publications.c.withdrawn_at.is_(None))
            .distinct()
        ).scalars()
        released = [load_release(connection, release_id) for release_id in published]
    files = 0
    for release in released:
        verify_release(release, platform.store)
        files += 1 + sum(len(d.files) for d in release.distributions)
    return {"size": size, "root": root.hex(), "releases": len(released), "files": files}
