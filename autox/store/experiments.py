"""Reads experiments and their results back from a cluster, for every command that shows them.

The controller's and the runner's fields stand in the status of one record, and anything may stand there after a
downgrade or an edit by hand: a record that makes no sense is told and left out, and the others are shown. Next door,
``results`` reads the whole result of one, which may lie in a Secret that a reader of records has no right to.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from autox.api.experiments import record_from_object
from autox.api.slos import outcome_from_object
from autox.kube.client import KubeClient
from autox.kube.objects import Object
from autox.model.errors import ConfigurationError, InvalidError, NotFoundError
from autox.model.experiments import ExperimentRecord
from autox.model.labels import GROUP, GROUP_NAMESPACE, SPEC
from autox.model.refs import EXPERIMENTS, Resource
from autox.model.result import SLOOutcome, TaskState
from autox.model.verdict import Phase, Verdict
from autox.store.conditions import condition
from autox.store.controllerstatus import given_by_us

NOT_INSTALLED = "Is autox installed in this cluster? `helm install autox` brings its kinds of objects."


@dataclass(frozen=True, slots=True, kw_only=True)
class LatestLoop:
    """The latest loop that has ended, as its runner told it.

    Attributes:
        reason: of the verdict, CamelCase.
        message: the same for people.
        undone: the tasks that failed or were skipped.
        fruitless: why nothing that a task tried came to anything; empty if something did.
    """

    reason: str
    message: str
    undone: tuple[str, ...] = ()
    fruitless: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadExperiment:
    """An experiment with what its runner has said about it.

    Attributes:
        record: who it is and how it stands.
        loops: how many loops have ended.
        slos: of the latest loop.
        has_result: whether there is a result to show.
        completion: the reason and the message of its end, which outlast its deletion; empty if it has not ended.
        latest: what the verdict rests on; None where its runner gave none.
    """

    record: ExperimentRecord
    loops: int = 0
    slos: tuple[SLOOutcome, ...] = ()
    has_result: bool = False
    completion: tuple[str, str] = ("", "")
    latest: LatestLoop | None = None

    @property
    def standing(self) -> tuple[str, str]:
        """The reason and the message that belong to the verdict; while there is none, how it stands.

        The runner's and the controller's words stand in one record and are written apart, so that the controller's may
        be of a moment before the verdict. They count where they say more of the same: by whom a run was interrupted.
        """
        is_over = self.record.phase in (Phase.DELETING, Phase.DELETED)
        reason, message = self.completion if is_over else (self.record.reason, self.record.message)
        latest = self.latest
        if latest is None or (reason == latest.reason and message.startswith(latest.message)):
            return reason, message
        return latest.reason, latest.message

    @property
    def is_current(self) -> bool:
        """It is neither stale nor gone."""
        return not self.record.is_deleting and self.record.phase not in (Phase.DELETING, Phase.DELETED)

    @property
    def has_run(self) -> bool:
        """It will not run again, or at least one of its loops has ended."""
        return self.record.phase is Phase.COMPLETED or self.loops > 0

    @property
    def failed_slos(self) -> tuple[SLOOutcome, ...]:
        """The SLOs that were not met, or could not be judged."""
        return tuple(outcome for outcome in self.slos if outcome.verdict is not Verdict.PASS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Readings:
    """What a listing gave: experiments, oldest first, and what is wrong with records that are none."""

    experiments: tuple[ReadExperiment, ...]
    troubles: tuple[str, ...] = ()


async def experiments(
    kube: KubeClient, *, namespace: str | None, group: str = "", group_namespace: str = "", spec: str = ""
) -> Readings:
    """The experiments in a namespace.

    Args:
        kube: the client.
        namespace: their own, which is that of what they test; None for all.
        group: of groups of this name only.
        group_namespace: of groups in this namespace only.
        spec: of this experiment spec only.

    Raises:
        NotFoundError: the cluster knows no experiments.
    """
    wanted = {GROUP_NAMESPACE: group_namespace, GROUP: group, SPEC: spec}
    selector = ",".join(f"{label}={value}" for label, value in wanted.items() if value)
    found: list[ReadExperiment] = []
    troubles: list[str] = []
    for obj in await listed(kube, EXPERIMENTS, namespace=namespace, label_selector=selector):
        try:
            found.append(read_experiment(obj))
        except ConfigurationError as error:
            troubles.append(error.message)
    found.sort(key=lambda each: (each.record.created_at, each.record.name))
    return Readings(experiments=tuple(found), troubles=tuple(troubles))


async def experiment(kube: KubeClient, namespace: str, name: str) -> ReadExperiment:
    """One experiment by name.

    Args:
        kube: the client.
        namespace: its own, which is that of what it tests.
        name: its own.

    Raises:
        NotFoundError: there is none of that name.
        InvalidError: its record makes no sense.
    """
    try:
        return read_experiment(await kube.get(EXPERIMENTS, name, namespace=namespace))
    except NotFoundError as error:
        raise NotFoundError(
            f"there is no experiment {name} in namespace {namespace}", hint="`autox history -A` lists all there are."
        ) from error
    except ConfigurationError as error:
        raise InvalidError(error.message) from error


async def listed(
    kube: KubeClient, resource: Resource, *, namespace: str | None, label_selector: str = ""
) -> list[Object]:
    """Objects of autox's own kinds.

    Args:
        kube: the client.
        resource: the kind.
        namespace: where; None for all.
        label_selector: empty for all of them.

    Raises:
        NotFoundError: the cluster does not know the kind.
    """
    try:
        return (await kube.list(resource, namespace=namespace, label_selector=label_selector)).items
    except NotFoundError as error:
        raise NotFoundError(f"the cluster knows no {resource.plural}", hint=NOT_INSTALLED) from error


def read_experiment(obj: Object) -> ReadExperiment:
    """An experiment's record with what its runner said.

    Raises:
        ConfigurationError: it is no such record; names the object and each wrong field.
    """
    record = record_from_object(obj)
    found = obj.get("status")
    status: Mapping[str, Any] = found if isinstance(found, dict) else {}
    loops, slos = status.get("loops"), status.get("slos")
    return ReadExperiment(
        record=record,
        loops=loops if isinstance(loops, int) and not isinstance(loops, bool) else 0,
        slos=tuple(filter(None, map(_outcome, slos if isinstance(slos, list) else ()))),
        has_result=bool(status.get("result") or status.get("resultSecret")),
        completion=_completion(obj),
        latest=None if record.verdict is None or given_by_us(obj) is not None else _latest(status.get("result")),
    )


def _latest(result: Any) -> LatestLoop | None:
    """The latest loop in a result as it is stored; None if none has ended."""
    if not isinstance(result, dict) or not result.get("verdict"):
        return None
    found = result.get("tasks")
    tasks = [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
    return LatestLoop(
        reason=str(result.get("reason") or ""),
        message=str(result.get("message") or ""),
        undone=tuple(str(each.get("task")) for each in tasks if each.get("state") != TaskState.DONE),
        fruitless=next((str(each["fruitless"]) for each in tasks if each.get("fruitless")), ""),
    )


def _completion(obj: Object) -> tuple[str, str]:
    found = condition(obj, "Completed") if isinstance(obj.get("status"), dict) else {}
    return (str(found["reason"]), str(found.get("message") or "")) if found.get("status") == "True" else ("", "")


def _outcome(found: Any) -> SLOOutcome | None:
    """One of ``status.slos``; None if it is none."""
    try:
        return outcome_from_object(found)
    except ConfigurationError:
        return None
