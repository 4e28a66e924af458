"""The custom resource ``Experiment``: the record of one experiment, filled by the controller and the runner.

The record outlives its release. What identifies an experiment stands in ``spec`` and never changes; ``status`` has
one writer for each field (the controller or the runner), so that server-side apply never meets a conflict.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, StringConstraints

from autox.api.conditions import ConditionsField
from autox.api.documents import Document, checked
from autox.api.fields import (
    ApiGroup,
    ApiResource,
    ApiVersion,
    DnsLabel,
    DnsName,
    NonEmpty,
    ObjectName,
    Time,
    VerdictName,
)
from autox.api.slos import OutcomeDocument
from autox.core.formats.hosts import target_label
from autox.model import labels
from autox.model.experiments import ExperimentRecord, Identity
from autox.model.groups import ChartRef
from autox.model.refs import EXPERIMENTS, ObjectRef
from autox.model.verdict import Phase, Verdict

PhaseName = Literal["Pending", "Running", "Completed", "Deleting", "Deleted"]


class GroupReference(Document):
    """The group that asked for the experiment."""

    namespace: DnsLabel
    name: DnsName


class TriggerReference(Document):
    """The object under test."""

    group: ApiGroup = ""
    version: ApiVersion
    resource: ApiResource
    namespace: DnsLabel
    name: ObjectName
    uid: Annotated[NonEmpty, Field(description="Of the object: another one of the same name is not this one.")]


class ChartSection(Document):
    """The Helm chart that it was launched with."""

    name: NonEmpty
    version: str = ""
    repo: str = ""


class ExperimentSpecDocument(Document):
    """What is tested, and with what; never changes."""

    model_config = ConfigDict(
        title="ExperimentSpec",
        json_schema_extra={
            "x-kubernetes-validations": [
                {"rule": "self == oldSelf", "message": "an experiment cannot be changed; launch another one"}
            ]
        },
    )

    group: GroupReference
    spec: Annotated[
        str,
        StringConstraints(pattern=r"^[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?$"),
        Field(description="The spec in the group."),
    ]
    trigger: TriggerReference
    version: Annotated[NonEmpty, Field(max_length=63, description="The version under test.")]
    images: Annotated[tuple[str, ...], Field(description="Of the trigger's pods.")] = ()
    template: Annotated[
        str, Field(max_length=64, description="Digest of the trigger's pod template: another one means other pods.")
    ] = ""
    targets: Annotated[
        tuple[Annotated[str, StringConstraints(max_length=512)], ...],
        Field(max_length=16, description="What it loads, each by one name."),
    ] = ()
    chart: ChartSection
    digest: Annotated[NonEmpty, Field(description="Of the chart and its values.")]
    revision: Annotated[int, Field(ge=1, description="Which test of this version it is.")] = 1


class TaskCounts(Document):
    """How far the current loop is."""

    done: int
    total: int


class ExperimentStatus(Document):
    """How it stands.

    The controller writes phase, reason, message, launchedAt, conditions and overlaps; the runner the rest.
    """

    phase: Annotated[PhaseName | None, Field(description="Where it is in its life.")] = None
    reason: Annotated[str, Field(description="Of the phase or the verdict, in CamelCase.")] = ""
    message: Annotated[str, Field(description="The same for people.")] = ""
    launched_at: Annotated[Time | None, Field(description="When its release was installed.")] = None
    conditions: ConditionsField = ()
    overlaps: Annotated[tuple[str, ...], Field(description="Experiments that loaded the same target meanwhile.")] = ()
    verdict: Annotated[VerdictName | None, Field(description="Of the latest loop.")] = None
    started_at: Annotated[Time | None, Field(description="When the latest loop began.")] = None
    completed_at: Annotated[Time | None, Field(description="When the latest loop ended.")] = None
    loops: Annotated[int | None, Field(description="How many loops have ended.")] = None
    totals: dict[str, int] = Field(default_factory=dict, description="How many loops ended with each verdict.")
    tasks: TaskCounts | None = None
    slos: Annotated[tuple[OutcomeDocument, ...], Field(description="Of the latest loop.")] = ()
    result: Annotated[
        dict[str, Any] | None,
        Field(description="The result document.", json_schema_extra={"x-kubernetes-preserve-unknown-fields": True}),
    ] = None
    result_secret: Annotated[
        str, Field(description="The Secret with the whole result, if it is too large for here.")
    ] = ""


class ExperimentObject(Document):
    """The whole object."""

    spec: ExperimentSpecDocument
    status: ExperimentStatus | None = None


class _StatusRead(Document):
    """The part of the status that decisions rest on; the rest may be large, and may be of a later version."""

    model_config = ConfigDict(extra="ignore")

    phase: PhaseName = "Pending"
    verdict: VerdictName | None = None
    reason: str = ""
    message: str = ""
    launched_at: Time | None = None
    completed_at: Time | None = None


class _Metadata(Document):
    model_config = ConfigDict(extra="ignore")

    name: str
    uid: str = ""
    creation_timestamp: Time
    deletion_timestamp: Time | None = None
    annotations: dict[str, str] | None = None


def record_from_object(obj: Mapping[str, Any]) -> ExperimentRecord:
    """Take the custom resource as a frozen value.

    Raises:
        ConfigurationError: it is none; names the object and each wrong field.
    """
    own = obj["metadata"]
    what = f"experiment {own.get('namespace')}/{own.get('name')}"
    metadata = checked(own, _Metadata, what=what, at=("metadata",))
    spec = checked(obj.get("spec"), ExperimentSpecDocument, what=what, at=("spec",))
    status = checked(obj.get("status") or {}, _StatusRead, what=what, at=("status",))
    trigger = spec.trigger
    return ExperimentRecord(
        name=metadata.name,
        uid=metadata.uid,
        identity=Identity(
            group_namespace=spec.group.namespace,
            group=spec.group.name,
            spec=spec.spec,
            trigger=ObjectRef(
                group=trigger.group,
                version=trigger.version,
                resource=trigger.resource,
                namespace=trigger.namespace,
                name=trigger.name,
            ),
            trigger_uid=trigger.uid,
            version=spec.version,
            digest=spec.digest,
            revision=spec.revision,
        ),
        chart=ChartRef(name=spec.chart.name, version=spec.chart.version, repo=spec.chart.repo),
        images=spec.images,
        template=spec.template,
        targets=spec.targets,
        created_at=metadata.creation_timestamp,
        phase=Phase(status.phase),
        verdict=None if status.verdict is None else Verdict(status.verdict),
        reason=status.reason,
        message=status.message,
        launched_at=status.launched_at,
        completed_at=status.completed_at,
        is_deleting=metadata.deletion_timestamp is not None,
        is_asked_again=labels.RETEST in (metadata.annotations or {}),
    )


def object_from_record(record: ExperimentRecord) -> dict[str, Any]:
    """The object to create for a record: its names, labels and spec; the status is written by others."""
    identity = record.identity
    trigger = identity.trigger
    return {
        "apiVersion": EXPERIMENTS.api_version,
        "kind": EXPERIMENTS.kind,
        "metadata": {
            "name": record.name,
            "namespace": record.namespace,
            "labels": {
                labels.MANAGED_BY: "autox",
                **release_labels(record.name, identity),
                **{target_label(target): "" for target in record.targets},
            },
        },
        "spec": {
            "group": {"namespace": identity.group_namespace, "name": identity.group},
            "spec": identity.spec,
            "trigger": {
                "group": trigger.group,
                "version": trigger.version,
                "resource": trigger.resource,
                "namespace": trigger.namespace,
                "name": trigger.name,
                "uid": identity.trigger_uid,
            },
            "version": identity.version,
            "images": list(record.images),
            **({"template": record.template} if record.template else {}),
            **({"targets": list(record.targets)} if record.targets else {}),
            "chart": {"name": record.chart.name, "version": record.chart.version, "repo": record.chart.repo},
            "digest": identity.digest,
            "revision": identity.revision,
        },
    }


def release_labels(name: str, identity: Identity) -> dict[str, str]:
    """The labels by which an experiment is found: on its record, and on its Helm release."""
    return {
        labels.GROUP_NAMESPACE: identity.group_namespace,
        labels.GROUP: identity.group,
        labels.SPEC: identity.spec,
        labels.EXPERIMENT: name,
    }


def label_selector(group_namespace: str, group: str) -> str:
    """Selects the records of a group, in whatever namespace they are."""
    return f"{labels.GROUP_NAMESPACE}={group_namespace},{labels.GROUP}={group}"
