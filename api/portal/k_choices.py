"""What the page of a file shows of k: the reports with their choices, and what was chosen before."""

from dataclasses import dataclass

import sqlalchemy as sa

from anonymize.chosen_k import policy_k, read_k
from catalog_config.configuration import Configuration
from pipelines.k_choice import ChoiceRecord, bytes_were_published, current_choice
from pipelines.sources import SourceRecord, load_release
from schemas.dataset import Dataset, Tier
from schemas.disclosure import DisclosureReport


@dataclass(frozen=True)
class Choices:
    """reports: of the tiers whose k can be chosen. record: the choice that holds. least: tier → the policy's k.
    published: the file was, so that a choice is for later ones."""

    reports: tuple[DisclosureReport, ...]
    record: ChoiceRecord | None
    least: dict[Tier, int]
    published: bool


def choices_of(
    connection: sa.Connection, dataset: Dataset, source: SourceRecord, configuration: Configuration
) -> Choices:
    """What may be chosen for `source`; no reports where it has no release. Raises NotFound `unknown-release`."""
    release_id = (source.outcome or {}).get("release")
    distributions = load_release(connection, release_id).distributions if release_id else ()
    policy = configuration.policies.get(dataset.policy)
    least = {t: policy_k(policy, t) for t in dataset.published_tiers} if policy else {}
    return Choices(
        reports=tuple(d.report for d in distributions if d.report.extra.get("tradeoff") and d.report.thresholds),
        record=current_choice(connection, dataset.name),
        least={tier: k for tier, k in least.items() if k is not None},
        published=bytes_were_published(connection, source),
    )


def read_choice(tier: str, k: str) -> dict[Tier, int]:
    """The choice that a form sends. Raises Refused `invalid-k`."""
    return {Tier(tier): read_k(k, tier)}
