"""A group, its trigger and its records, in a word each."""

from datetime import UTC, datetime, timedelta
from typing import Any

from autox.core.experiments.naming import experiment_name
from autox.model.experiments import ExperimentRecord, Identity
from autox.model.groups import OPT_IN_LABEL, VERSION_LABEL, ChartRef, ExperimentGroup, ExperimentSpec
from autox.model.refs import ObjectRef
from autox.model.trigger import TriggerSnapshot, TriggerState
from autox.model.verdict import Phase

WEB = ObjectRef(group="apps", version="v1", resource="deployments", namespace="default", name="web")
NOW = datetime(2026, 1, 1, tzinfo=UTC)
CHART = ChartRef(name="experiment")
DIGESTS = {"http": "d1"}


def group(*specs: str, **fields: Any) -> ExperimentGroup:
    """Group autox/web of Deployment default/web, with one spec ``http`` unless told otherwise."""
    named = tuple(ExperimentSpec(name=name, chart=CHART, values={}) for name in specs or ("http",))
    given: dict[str, Any] = {
        "namespace": "autox",
        "name": "web",
        "uid": "g",
        "generation": 1,
        "trigger": WEB,
        "specs": named,
    }
    return ExperimentGroup(**(given | fields))


def present(
    version: str | None = "1", *, opt_in: str | None = "true", uid: str = "u1", **fields: Any
) -> TriggerSnapshot:
    """The trigger, read back; None leaves a label out."""
    labels = {VERSION_LABEL: version, OPT_IN_LABEL: opt_in}
    return TriggerSnapshot(
        ref=WEB,
        state=TriggerState.PRESENT,
        uid=uid,
        labels={label: value for label, value in labels.items() if value is not None},
        **fields,
    )


def absent() -> TriggerSnapshot:
    """The trigger is gone for certain."""
    return TriggerSnapshot(ref=WEB, state=TriggerState.ABSENT)


def unreadable(reason: str = "Forbidden", message: str = "deployments is forbidden") -> TriggerSnapshot:
    """Nobody knows."""
    return TriggerSnapshot(ref=WEB, state=TriggerState.UNREADABLE, reason=reason, message=message)


def identity(**fields: Any) -> Identity:
    """Spec ``http`` of group autox/web, testing version 1."""
    given: dict[str, Any] = {
        "group_namespace": "autox",
        "group": "web",
        "spec": "http",
        "trigger": WEB,
        "trigger_uid": "u1",
        "version": "1",
        "digest": "d1",
    }
    return Identity(**(given | fields))


def record(phase: Phase = Phase.RUNNING, *, of: Identity | None = None, **fields: Any) -> ExperimentRecord:
    """The record of an experiment, launched unless it is Pending; later revisions were created later."""
    this = of or identity()
    given: dict[str, Any] = {
        "name": experiment_name(this),
        "uid": "r",
        "identity": this,
        "chart": CHART,
        "created_at": NOW + timedelta(minutes=this.revision),
        "phase": phase,
        "launched_at": None if phase is Phase.PENDING else NOW,
    }
    return ExperimentRecord(**(given | fields))
