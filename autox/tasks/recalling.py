"""What the cluster knows about an experiment before its run begins: the record, and what earlier loops found.

A run without a record is a release that somebody installed by hand; its result is kept in its Secret alone. That
Secret outlives the release, and the next one of its name finds it there: the uid of the Job or CronJob that runs tells
whose loops they are. A stored result that cannot be read is as good as none: the run goes on, and says so.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from autox.core.experiments.looping import earlier
from autox.kube.client import KubeClient
from autox.kube.objects import metadata
from autox.model.errors import AutoxError, ConfigurationError, NotFoundError
from autox.model.experiments import ExperimentRecord
from autox.model.refs import CRON_JOBS, JOBS, ObjectRef
from autox.model.result import ExperimentResult, Subject
from autox.store.records import read_record
from autox.store.results import in_status, read_secret
from autox.store.runnerstatus import KEPT
from autox.tasks.retry import RetryPolicy

WORKLOAD_SECONDS = 2.0
_KINDS = {kind.kind: kind for kind in (JOBS, CRON_JOBS)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Recalled:
    """What was there.

    Attributes:
        subject: what is to be tested.
        uid: of the record; empty if there is none.
        trigger: whose pods are under test; None where nobody said, or where it has none that are known.
        stored: the result of the loops before; None if there were none.
        kept: the fields of the status that stay until this loop ends.
    """

    subject: Subject
    uid: str = ""
    trigger: ObjectRef | None = None
    stored: ExperimentResult | None = None
    kept: Mapping[str, Any] = field(default_factory=dict)


async def recall(
    kube: KubeClient, namespace: str, name: str, *, workload: str, retry: RetryPolicy, say: Callable[[str], None]
) -> Recalled:
    """Read the record of an experiment and its stored result.

    Args:
        kube: may read both, and the workload.
        namespace: of all of them.
        name: of the experiment.
        workload: what runs this, ``Job/shop-1a2b3c4d``; empty for nothing that anybody knows of.
        retry: how long to try.
        say: shows what could not be read.

    Raises:
        AutoxError: the API server cannot be reached or refuses.
    """
    try:
        recorded = await retry.until_done(lambda: read_record(kube, namespace, name))
    except NotFoundError:
        subject = await _run_by(workload, Subject(namespace=namespace, experiment=name), kube, retry, say)
        stored = await _from_secret(kube, namespace, name, retry, say)
        return Recalled(subject=subject, stored=earlier(stored, subject))
    record = recorded.record
    subject = await _run_by(workload, subject_of(record), kube, retry, say)
    found = recorded.object.get("status")
    status: Mapping[str, Any] = found if isinstance(found, dict) else {}
    stored = await _from_secret(kube, namespace, name, retry, say) if status.get("resultSecret") else None
    # NB: where the Secret is gone, the short form in the status still has the loops and their totals.
    stored = earlier(stored or _from_status(status, say), subject)
    kept = {key: status[key] for key in KEPT if key in status} if stored else {}
    if stored is not None and kept.get("verdict") != stored.verdict:
        # NB: the controller's, about a loop that ended without a result; it stays because it is the controller's.
        kept.pop("verdict", None)
    return Recalled(
        subject=subject,
        uid=record.uid,
        trigger=record.identity.trigger if record.template else None,
        stored=stored,
        kept=kept,
    )


async def workload_uid(kube: KubeClient, namespace: str, workload: str) -> str:
    """The uid of a Job or CronJob; empty if it is gone, or is being deleted.

    Args:
        kube: may read it.
        namespace: where it is.
        workload: ``Job/shop-1a2b3c4d`` or ``CronJob/shop-1a2b3c4d``, as ``Subject.workload`` has it.

    Raises:
        AutoxError: it cannot be read.
    """
    kind, _, name = workload.partition("/")
    try:
        own = metadata(await kube.get_metadata(_KINDS[kind], name, namespace=namespace))
    except NotFoundError:
        return ""
    return "" if own.get("deletionTimestamp") else str(own["uid"])


async def _run_by(
    workload: str, subject: Subject, kube: KubeClient, retry: RetryPolicy, say: Callable[[str], None]
) -> Subject:
    if not workload:
        return subject
    uid = ""
    try:
        # NB: not for long: the record could be read, and a ServiceAccount of a user's own may never have this right.
        uid = await retry.until_done(lambda: workload_uid(kube, subject.namespace, workload), seconds=WORKLOAD_SECONDS)
    except AutoxError as error:
        say(f"a result of another {workload} cannot be told from one of this: {error.message}")
    return replace(subject, workload=workload, workload_uid=uid)


def subject_of(record: ExperimentRecord) -> Subject:
    """What a record says is to be tested."""
    identity = record.identity
    return Subject(
        namespace=record.namespace,
        experiment=record.name,
        group=identity.group,
        spec=identity.spec,
        trigger=str(identity.trigger),
        trigger_uid=identity.trigger_uid,
        version=identity.version,
        images=record.images,
        revision=identity.revision,
        template=record.template,
    )


def _from_status(status: Mapping[str, Any], say: Callable[[str], None]) -> ExperimentResult | None:
    try:
        return in_status(status)
    except ConfigurationError as error:
        say(f"loops before this one are not counted: {error.message}")
        return None


async def _from_secret(
    kube: KubeClient, namespace: str, name: str, retry: RetryPolicy, say: Callable[[str], None]
) -> ExperimentResult | None:
    try:
        return await retry.until_done(lambda: read_secret(kube, namespace, name))
    except AutoxError as error:
        say(f"loops before this one are not counted: {error.message}")
        return None
