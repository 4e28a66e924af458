"""Reads an experiment that a Helm release of its own brought: no group asked for it, so nobody keeps a record of it.

Its result lies in the Secret beside it, which is kept when the release goes, and which the next release of that name,
or the next upgrade of this one, finds as it is. So a result is what was found out only if the Job or CronJob that
wrote it is the one that is there now: by its uid, which every installation, upgrade with a change and rollback makes
anew. How it stands is told by the core that tells it of every experiment. Next door, ``experiments`` has those with
a record.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from autox.core.experiments.progressing import progress
from autox.core.experiments.runfacts import RunnerFacts
from autox.core.experiments.runwording import INTERRUPTED
from autox.kube.client import KubeClient
from autox.kube.objects import Object, metadata
from autox.model.errors import ConfigurationError, InvalidError, NotFoundError
from autox.model.experiments import ExperimentRecord, Identity
from autox.model.groups import ChartRef
from autox.model.labels import INSTANCE
from autox.model.refs import CRON_JOBS, JOBS, SECRETS, ObjectRef
from autox.model.result import ExperimentResult, TaskState
from autox.model.verdict import Phase
from autox.store.experiments import LatestLoop, ReadExperiment
from autox.store.results import in_secret, result_secret
from autox.store.runnerstatus import written_at
from autox.store.workloads.jobs import read_workload

_OURS = "app.kubernetes.io/part-of=autox"


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    """A release that is an experiment.

    Attributes:
        experiment: how it stands now; its record is none that is kept anywhere, and says nothing of a group.
        result: of what is there now, or else of what is gone; None if there is none.
        gone: what has gone that wrote the result; empty if it is there.
        outdated: what wrote the result that is kept, and is not what runs now; empty if that is no case.
    """

    experiment: ReadExperiment
    result: ExperimentResult | None = None
    gone: str = ""
    outdated: str = ""


async def released(kube: KubeClient, namespace: str, name: str) -> Released | None:
    """The experiment of a release; None if there is no such release, and nothing that one has left.

    Args:
        kube: may read the Secret with the result, the Job or CronJob, and what those say too little about.
        namespace: the release's.
        name: the release's.

    Raises:
        InvalidError: what is stored as its result is none.
        AutoxError: it cannot be read.
    """
    try:
        await kube.get_metadata(SECRETS, result_secret(name), namespace=namespace)
    except NotFoundError:
        return None
    workload = await _workload(kube, namespace, name)
    record = _record(namespace, name, workload)
    facts = await read_workload(kube, record, interrupted=False)
    # NB: after the Job, or the result of one that ends in between would be missed.
    secret = await kube.get(SECRETS, result_secret(name), namespace=namespace)
    try:
        result = in_secret(secret)
    except ConfigurationError as error:
        raise InvalidError(f"experiment {namespace}/{name}: {error.message}") from error
    if workload is None:
        return await _without_workload(kube, record, result)
    outdated = ""
    if result is not None and not _is_of(result, workload):
        outdated = result.subject.workload or "something else"
        result = None
    runner = _runner(result, secret)
    if runner.reason == INTERRUPTED:
        facts = await read_workload(kube, record, interrupted=True)
    found = progress(record, runner, facts, datetime.now(UTC))
    stands = replace(record, phase=found.phase, reason=found.reason, message=found.message)
    verdict = found.verdict or (result.verdict if result is not None else None)
    experiment = _told(replace(stands, verdict=verdict), None if found.verdict else result)
    return Released(experiment=experiment, result=result, outdated=outdated)


async def _without_workload(
    kube: KubeClient, record: ExperimentRecord, result: ExperimentResult | None
) -> Released | None:
    """A release whose runner is none, and which somebody runs by hand; or what is left of one that has gone."""
    ran_by = result.subject.workload if result is not None else ""
    try:
        await kube.get_metadata(SECRETS, record.name, namespace=record.namespace)
    except NotFoundError:
        if result is None:
            return None
        ran_by = ran_by or f"release {record.name}"
    if ran_by:
        return Released(experiment=_told(replace(record, phase=Phase.DELETED), result), result=result, gone=ran_by)
    if result is None:
        nothing = f"release {record.name} has no Job or CronJob: its runner may be none"
        return Released(experiment=_told(replace(record, phase=Phase.PENDING, message=nothing), None))
    ended = replace(record, phase=Phase.COMPLETED, verdict=result.verdict, reason=result.reason, message=result.message)
    return Released(experiment=_told(ended, result), result=result)


async def _workload(kube: KubeClient, namespace: str, name: str) -> Object | None:
    """The Job or CronJob that is there now; what an upgrade has put in its place is on its way out."""
    selector = f"{INSTANCE}={name},{_OURS}"
    found: list[Object] = []
    for kind in (JOBS, CRON_JOBS):
        listing = await kube.list(kind, namespace=namespace, label_selector=selector)
        found += [{**each, "kind": kind.kind} for each in listing.items]
    here = [each for each in found if not _owned(each) and not metadata(each).get("deletionTimestamp")]
    return max(here, key=lambda each: str(metadata(each).get("creationTimestamp")), default=None)


def _owned(obj: Object) -> Sequence[Any]:
    return metadata(obj).get("ownerReferences") or ()


def _is_of(result: ExperimentResult, workload: Object) -> bool:
    """Whether a workload wrote a result; of one that could not read its own uid, by the name, which holds a digest."""
    own, subject = metadata(workload), result.subject
    if subject.workload_uid:
        return bool(subject.workload_uid == own.get("uid"))
    return subject.workload == f"{workload['kind']}/{own.get('name')}"


def _record(namespace: str, name: str, workload: Object | None) -> ExperimentRecord:
    nothing = ObjectRef(group="", version="", resource="", namespace=namespace, name=name)
    made = metadata(workload).get("creationTimestamp") if workload is not None else None
    at = datetime.fromisoformat(made) if made else datetime.now(UTC)
    identity = Identity(
        group_namespace="", group="", spec="", trigger=nothing, trigger_uid="", version="", digest="", revision=1
    )
    return ExperimentRecord(
        name=name,
        uid="",
        identity=identity,
        chart=ChartRef(name="experiment"),
        created_at=at,
        launched_at=at if made else None,
        phase=Phase.RUNNING,
    )


def _runner(result: ExperimentResult | None, secret: Object) -> RunnerFacts:
    if result is None:
        return RunnerFacts()
    return RunnerFacts(
        verdict=result.verdict,
        reason=result.reason,
        message=result.message,
        started_at=result.started_at,
        told_at=written_at(secret) or result.completed_at,
    )


def _told(record: ExperimentRecord, result: ExperimentResult | None) -> ReadExperiment:
    if result is None:
        return ReadExperiment(record=record)
    return ReadExperiment(
        record=record,
        loops=result.loops,
        slos=result.slos,
        has_result=True,
        latest=LatestLoop(
            reason=result.reason,
            message=result.message,
            undone=tuple(task.task for task in result.tasks if task.state is not TaskState.DONE),
            fruitless=next((task.fruitless for task in result.tasks if task.fruitless), ""),
        ),
    )
