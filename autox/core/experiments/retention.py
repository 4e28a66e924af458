"""Which records of deleted experiments are forgotten, so that history does not fill the API server."""

from collections.abc import Iterable

from autox.model.experiments import ExperimentRecord
from autox.model.verdict import Phase


def expired(records: Iterable[ExperimentRecord], limit: int) -> tuple[ExperimentRecord, ...]:
    """The records to remove, oldest first: of each spec all but the latest ``limit`` that were deleted.

    Records of experiments that live, or are still being deleted, neither expire nor count.
    """
    deleted: dict[tuple[str, str, str], list[ExperimentRecord]] = {}
    for record in sorted(records, key=lambda each: (each.created_at, each.name)):
        if record.phase is Phase.DELETED and not record.is_deleting:
            identity = record.identity
            deleted.setdefault((identity.group_namespace, identity.group, identity.spec), []).append(record)
    return tuple(record for of_spec in deleted.values() for record in of_spec[: max(len(of_spec) - limit, 0)])
