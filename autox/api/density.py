"""What task ``density`` may be told: in the experiment document, and in the chart, where a Secret is named."""

from pathlib import Path
from typing import Annotated, Self

from pydantic import ConfigDict, Field, model_validator

from autox.api.documents import Document
from autox.api.fields import DnsName, Duration, NonEmpty, PositiveNumber
from autox.core.duration import parse_duration
from autox.model.tasks import DensityInputs


class DensityLoad(Document):
    """Virtual nodes and pods on the control plane of a cluster."""

    cluster: Annotated[NonEmpty | None, Field(description="A local cluster of autox, by name.")] = None
    nodes: Annotated[int, Field(ge=1, le=100_000, description="How many virtual nodes.")] = 10
    pods: Annotated[int, Field(ge=1, le=1_000_000, description="How many pods, in Deployments.")] = 100
    pods_per_deployment: Annotated[int, Field(ge=1, le=1_000_000, description="The size of each Deployment.")] = 10
    rate: Annotated[PositiveNumber, Field(description="Pods a second at which Deployments are created.")] = 20.0
    timeout: Annotated[Duration, Field(description="Within this time every pod must run.")] = "300s"
    allow_self: Annotated[bool, Field(description="The cluster may be the one that the experiment runs in.")] = False
    allow_exec: Annotated[
        bool, Field(description="The kubeconfig may run a program and read files for its credentials.")
    ] = False


def _either(one: str, other: str) -> ConfigDict:
    return ConfigDict(json_schema_extra={"oneOf": [{"required": [one]}, {"required": [other]}]})


class DensitySection(DensityLoad):
    """Virtual nodes and pods on the control plane of a cluster: give its kubeconfig, or a local cluster's name."""

    model_config = _either("kubeconfig", "cluster")

    kubeconfig: Annotated[Path | None, Field(description="A file; relative to the document's folder.")] = None

    @model_validator(mode="after")
    def _one_cluster(self) -> Self:
        if (self.kubeconfig is None) == (self.cluster is None):
            raise ValueError("give either kubeconfig or cluster: which control plane is to be tested")
        return self

    def value(self, folder: Path) -> DensityInputs:
        """The same as a frozen value; a relative path is taken from ``folder``."""
        return DensityInputs(
            kubeconfig=None if self.kubeconfig is None else folder / self.kubeconfig,
            cluster=self.cluster or "",
            nodes=self.nodes,
            pods=self.pods,
            pods_per_deployment=self.pods_per_deployment,
            rate=self.rate,
            timeout=parse_duration(self.timeout),
            allow_self=self.allow_self,
            allow_exec=self.allow_exec,
        )


class DensityValues(DensityLoad):
    """Virtual nodes and pods on the control plane of a cluster: name a Secret with its kubeconfig, or a cluster."""

    model_config = _either("kubeconfigSecret", "cluster")

    kubeconfig_secret: Annotated[
        DnsName | None, Field(description="A Secret in the experiment's namespace with the key kubeconfig.")
    ] = None

    @model_validator(mode="after")
    def _one_cluster(self) -> Self:
        if (self.kubeconfig_secret is None) == (self.cluster is None):
            raise ValueError("give either kubeconfigSecret or cluster: which control plane is to be tested")
        return self
