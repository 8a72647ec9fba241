"""What was ever published of a dataset, as a new release is set beside it. What was published stays known, withdrawn or
not."""

from collections.abc import Set

import pyarrow.parquet as pq
import sqlalchemy as sa

from anonymize.earlier import Earlier, earlier_table
from governance.database.dataset_tables import publications, releases
from governance.database.engine import reading
from pipelines.current_release import verified_path
from pipelines.platform import Platform
from schemas.dataset import Dataset, Tier
from schemas.disclosure import KChoice
from schemas.release import Distribution, Release

RECORDS = frozenset({Tier.OPEN, Tier.RESTRICTED})  # whoever holds a restricted table holds the open ones as well


def earlier_tables(
    platform: Platform, dataset: Dataset, own: Set[str], choice: KChoice | None, tier: Tier
) -> list[Earlier]:
    """The published tables of this dataset that one of `tier` is set beside. own: digests under which its source may
    have been recorded; such a table, made under the same choice, policy and schema, is marked as of the same source."""
    with reading(platform.engine) as connection:
        descriptors = connection.execute(
            sa.select(releases.c.id, releases.c.descriptor)
            .join(publications, publications.c.release == releases.c.id)
            .where(releases.c.dataset == dataset.name)
            .order_by(releases.c.created_at, releases.c.id)
        ).all()
    published = [Release.model_validate(d) for d in {row.id: row.descriptor for row in descriptors}.values()]
    return [
        earlier_distribution(
            platform,
            distribution,
            tier,
            same_source=release.source_digest in own
            and (release.choice, release.policy, release.table_schema)
            == (choice, dataset.policy, dataset.table_schema),
        )
        for release in published
        for distribution in release.distributions
        if set_beside(tier, distribution.tier)
    ]


def set_beside(tier: Tier, other: Tier) -> bool:
    """Whether tables of two tiers are compared: tables of records with each other, statistical ones with each other."""
    return tier is other or {tier, other} <= RECORDS


def earlier_distribution(
    platform: Platform, distribution: Distribution, tier: Tier, *, same_source: bool = False
) -> Earlier:
    """One published table, as it is seen from `tier`; its file is read when it is looked at."""
    digest = distribution.file("parquet").digest
    return earlier_table(
        lambda: pq.read_table(verified_path(platform.store, digest)),
        distribution.report,
        same_tier=distribution.tier is tier,
        same_source=same_source,
    )
