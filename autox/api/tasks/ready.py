"""Task ``ready``: wait until the right pods are there."""

from typing import Annotated, Self

from pydantic import ConfigDict, Field, model_validator

from autox.api.documents import Document
from autox.api.fields import ApiGroup, ApiResource, ApiVersion, DnsLabel, DnsName, Duration, NonEmpty, ObjectName
from autox.api.tasks.kind import Kind, as_given
from autox.api.tasks.rights import Of, Right, endpoints
from autox.core.formats.notation import parse_duration
from autox.model.refs import ObjectRef
from autox.model.tasks import ReadyInputs, ReadyObject


class ReadyObjectSection(Document):
    """An object that must exist or have a condition."""

    group: Annotated[ApiGroup, Field(description="API group; empty is the core group.")] = ""
    version: Annotated[ApiVersion, Field(description="API version.")]
    resource: Annotated[ApiResource, Field(description="The plural, such as deployments.")]
    name: Annotated[ObjectName, Field(description="Which object.")]
    namespace: Annotated[DnsLabel | None, Field(description="Where it is; else where the experiment is.")] = None
    condition: Annotated[NonEmpty | None, Field(description="A condition that must be True; else it need only be.")] = (
        None
    )


class ReadySection(Document):
    """Wait until the right pods are there: the rollout is complete, no old pod is left, the Service has endpoints."""

    model_config = ConfigDict(
        json_schema_extra={"anyOf": [{"required": [key]} for key in ("deploy", "service", "objects")]}
    )

    deploy: Annotated[DnsName | None, Field(description="A Deployment whose rollout must be complete.")] = None
    service: Annotated[DnsLabel | None, Field(description="A Service that must have a ready endpoint.")] = None
    namespace: Annotated[DnsLabel | None, Field(description="Of deploy and service; else the experiment's own.")] = None
    objects: Annotated[tuple[ReadyObjectSection, ...], Field(description="Other objects to wait for.")] = ()
    timeout: Annotated[Duration, Field(description="How long to wait for all of them together.")] = "60s"

    @model_validator(mode="after")
    def _waits_for_something(self) -> Self:
        if self.deploy is None and self.service is None and not self.objects:
            raise ValueError("there is nothing to wait for: give deploy, service or objects")
        return self

    def value(self) -> ReadyInputs:
        """What the task is given: ``timeout`` in seconds; what nobody said, a namespace too, as empty text."""
        return ReadyInputs(
            namespace=self.namespace or "",
            deploy=self.deploy or "",
            service=self.service or "",
            objects=tuple(
                ReadyObject(
                    ref=ObjectRef(
                        group=each.group,
                        version=each.version,
                        resource=each.resource,
                        namespace=each.namespace or self.namespace or "",
                        name=each.name,
                    ),
                    condition=each.condition or "",
                )
                for each in self.objects
            ),
            timeout=parse_duration(self.timeout),
        )


KIND = Kind(
    name="ready",
    section=ReadySection,
    chart_section=ReadySection,
    shows=dict.fromkeys(("deploy", "service", "namespace", "objects", "timeout"), as_given),
    module="autox.tasks.ready",
    needs_cluster=True,
    rights=(
        Right(field="deploy", of=Of.NAME, group="apps", resource="deployments", verbs=("get",)),
        Right(field="deploy", of=Of.NAME, group="apps", resource="replicasets", verbs=("list",), named=False),
        Right(field="deploy", of=Of.NAME, resource="pods", verbs=("list",), named=False),
        Right(field="objects", of=Of.OBJECTS, verbs=("get",)),
        *endpoints("service", Of.NAME),
    ),
)
