"""Task ``density``: a control plane is named by a kubeconfig in the experiment document, by a Secret in the chart."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import ConfigDict, Field, model_validator
from pydantic.alias_generators import to_snake

from autox.api.documents import Document
from autox.api.fields import DnsName, Duration, LabelKey, LabelValue, NonEmpty, PositiveNumber
from autox.api.tasks.density.churn import ChurnSection
from autox.api.tasks.density.clients import ClientsSection
from autox.api.tasks.density.failurepoint import FailurePointSection, judged
from autox.api.tasks.density.limits import (
    MOST_AGENTS,
    MOST_LATENCY_PODS,
    MOST_NODES,
    MOST_PODS,
    flaw,
)
from autox.api.tasks.density.metrics import METRICS, OFFICIAL
from autox.api.tasks.density.plan import PlanSection, shown
from autox.api.tasks.density.presets import PresetSection
from autox.api.tasks.density.profiles import ProfilesSection
from autox.api.tasks.kind import Kind, Load, as_given
from autox.core.formats.notation import parse_duration
from autox.model.density import DensityInputs
from autox.model.failurepoint import Sought
from autox.model.result import SLO
from autox.model.workload import Churned

_SHORT = ("pods", "podsPerDeployment", "rate")
"""The short form of a plan."""

_PLANS = ("plan", *_SHORT)


class DensityLoad(Document):
    """Virtual nodes and pods on the control plane of a cluster."""

    cluster: Annotated[NonEmpty | None, Field(description="A local cluster of autox, by name.")] = None
    nodes: Annotated[int, Field(ge=1, le=MOST_NODES, description="How many virtual nodes.")] = 10
    agents: Annotated[
        int | None,
        Field(
            ge=1,
            le=MOST_AGENTS,
            description="So many processes beside the run keep them, each with a core of its own; else its own does.",
        ),
    ] = None
    node_selector: Annotated[
        dict[LabelKey, LabelValue] | None,
        Field(
            description="Labels of virtual nodes that are there already, as many as nodes, whose agents run elsewhere"
            " (charts/nodes); {} for all such. The run makes none then."
        ),
    ] = None
    plan: Annotated[
        PlanSection | None, Field(description="What is created, in place of pods, podsPerDeployment and rate.")
    ] = None
    preset: Annotated[
        PresetSection | None,
        Field(description="A plan by name, with clients, churn and latency pods unless these are given too."),
    ] = None
    pods: Annotated[int, Field(ge=1, le=MOST_PODS, description="How many pods, in Deployments.")] = 100
    pods_per_deployment: Annotated[int, Field(ge=1, le=MOST_PODS, description="The size of each Deployment.")] = 10
    rate: Annotated[PositiveNumber, Field(description="Pods a second at which Deployments are created.")] = 20.0
    latency_pods: Annotated[
        int,
        Field(
            ge=0,
            le=MOST_LATENCY_PODS,
            description="So many pods more, 5 a second, once all others run: whose startup the official SLO is about.",
        ),
    ] = 0
    churn: Annotated[ChurnSection | None, Field(description="What goes and comes again once all pods run.")] = None
    clients: Annotated[
        tuple[ClientsSection, ...],
        Field(description="Who lists, watches, gets and patches meanwhile, as controllers do."),
    ] = ()
    profiles: Annotated[
        ProfilesSection | None,
        Field(description="Profiles of the components of the control plane, by pprof, which cost them some CPU."),
    ] = None
    timeout: Annotated[Duration, Field(description="Within this time every pod must run.")] = "300s"
    allow_self: Annotated[bool, Field(description="The cluster may be the one that the experiment runs in.")] = False
    allow_exec: Annotated[
        bool, Field(description="The kubeconfig may run a program and read files for its credentials.")
    ] = False
    failure_point: Annotated[
        FailurePointSection | None,
        Field(description="Search for the load that holds the SLOs and for that which breaks."),
    ] = None

    @model_validator(mode="after")
    def _searches_for_what_is_not_given(self) -> Self:
        if self.failure_point is not None and self.failure_point.of in self.model_fields_set:
            of = self.failure_point.of
            raise ValueError(f"{of} is what failurePoint searches: leave {of} out")
        return self

    @model_validator(mode="after")
    def _within_limits(self) -> Self:
        if self.plan is not None and (both := [name for name in _SHORT if to_snake(name) in self.model_fields_set]):
            raise ValueError(f"give either plan or {', '.join(both)}: the plan says it all")
        if self.preset is not None and (also := [name for name in _PLANS if to_snake(name) in self.model_fields_set]):
            raise ValueError(f"give either preset or {', '.join(also)}: the preset says it all")
        if self.failure_point is not None and (self.plan or self.preset) and self.failure_point.of != "nodes":
            raise ValueError(f"failurePoint cannot change the {self.failure_point.of} of a plan: search for nodes")
        asked = self.load()
        if self.failure_point is not None and asked.churn is not None:
            raise ValueError("failurePoint stands without churn, which would look as if something broke")
        if self.failure_point is not None and self.failure_point.of == "nodes" and asked.node_selector is not None:
            raise ValueError("failurePoint: of nodes stands without nodeSelector: the run makes no nodes then")
        if self.failure_point is not None and asked.profiles is not None:
            raise ValueError("failurePoint stands without profiles, which cost what it looks for")
        for load in asked.extremes:
            if wrong := flaw(load):
                raise ValueError(wrong)
        return self

    def load(self) -> DensityInputs:
        """What the task is given, but for the cluster: ``timeout`` in seconds."""
        named = self.preset.parts(nodes=self.nodes) if self.preset else None
        plan = named.plan if named else self.plan
        churn = named.churn if named and self.churn is None else self.churn
        clients = named.clients if named and not self.clients else self.clients
        is_given = named is None or "latency_pods" in self.model_fields_set
        return DensityInputs(
            nodes=self.nodes,
            agents=self.agents or 0,
            node_selector=self.node_selector,
            plan=None if plan is None else plan.value(),
            pods=self.pods,
            pods_per_deployment=self.pods_per_deployment,
            rate=self.rate,
            latency_pods=self.latency_pods if is_given or named is None else named.latency_pods,
            churn=None if churn is None else churn.value(),
            clients=tuple(each.value() for each in clients),
            profiles=None if self.profiles is None else self.profiles.value(),
            timeout=parse_duration(self.timeout),
            allow_self=self.allow_self,
            allow_exec=self.allow_exec,
            failure_point=None if self.failure_point is None else self.failure_point.value(),
        )


def _either(one: str, other: str) -> ConfigDict:
    beside_plan: dict[str, Any] = {
        "if": {"required": ["plan"]},
        "then": {"properties": dict.fromkeys(_SHORT, _absent("plan"))},
    }
    of_given: dict[str, Any] = {
        "if": {"required": ["nodeSelector"]},
        "then": {"properties": _BESIDE_GIVEN},
    }
    either: dict[str, Any] = {"oneOf": [{"required": [one]}, {"required": [other]}]}
    return ConfigDict(json_schema_extra={**either, "allOf": [beside_plan, of_given]})


def _absent(beside: str) -> dict[str, Any]:
    return {"if": {"not": {"type": "null"}}, "then": {"const": f"absent beside {beside}"}}


def _of_nodes(kinds: Iterable[str], instead: str) -> dict[str, Any]:
    of_nodes = {"required": ["of"], "properties": {"of": {"enum": [*kinds]}}}
    return {"if": of_nodes, "then": {"const": f"of {instead} beside nodeSelector: the run makes no nodes then"}}


_BESIDE_GIVEN: dict[str, Any] = {
    "agents": _absent("nodeSelector"),
    "churn": _of_nodes([each for each in Churned if each.is_of_nodes], "deployments or namespaces"),
    "failurePoint": _of_nodes([Sought.NODES], "pods or rate"),
}


def _check_either(one: str, given: object, other: str, instead: object) -> None:
    if (given is None) == (instead is None):
        raise ValueError(f"give either {one} or {other}: which control plane is to be tested")


class DensitySection(DensityLoad):
    """Virtual nodes and pods on the control plane of a cluster: give its kubeconfig, or a local cluster's name."""

    model_config = _either("kubeconfig", "cluster")

    kubeconfig: Annotated[Path | None, Field(description="A file; relative to the document's folder.")] = None

    @model_validator(mode="after")
    def _one_cluster(self) -> Self:
        _check_either("kubeconfig", self.kubeconfig, "cluster", self.cluster)
        return self

    def value(self, folder: Path, slos: Iterable[SLO] = ()) -> DensityInputs:
        """What the task is given: no cluster as an empty name, a path from ``folder``.

        Args:
            folder: that a relative path is taken from.
            slos: of the tasks that assess.
        """
        kubeconfig = None if self.kubeconfig is None else folder / self.kubeconfig
        given = replace(self.load(), kubeconfig=kubeconfig, cluster=self.cluster or "")
        return given if given.failure_point is None else replace(given, failure_point=judged(given.failure_point, slos))


class DensityValues(DensityLoad):
    """Virtual nodes and pods on the control plane of a cluster: name a Secret with its kubeconfig, or a cluster."""

    model_config = _either("kubeconfigSecret", "cluster")

    kubeconfig_secret: Annotated[
        DnsName | None, Field(description="A Secret in the experiment's namespace with the key kubeconfig.")
    ] = None

    @model_validator(mode="after")
    def _one_cluster(self) -> Self:
        _check_either("kubeconfigSecret", self.kubeconfig_secret, "cluster", self.cluster)
        return self


def _lacks(section: DensityLoad, slos: Iterable[SLO]) -> str:
    if section.failure_point is None or judged(section.failure_point.value(), slos).slos:
        return ""
    return (
        "failurePoint: has no SLO that a load could hold: list assess after it, with SLOs: official or with limits on"
        " metrics of density"
    )


def _targets(given: Mapping[str, Any], namespace: str) -> Iterator[str]:
    secret = given.get("kubeconfigSecret")
    yield f"cluster/{namespace}/{secret}" if secret else f"cluster/{given.get('cluster', '')}"


_PLAIN = (
    *("kubeconfig", "cluster", "nodes", "agents", "nodeSelector"),
    *("pods", "podsPerDeployment", "rate", "preset", "latencyPods", "churn"),
    *("clients", "profiles", "timeout", "allowSelf", "allowExec", "failurePoint"),
)

KIND = Kind(
    name="density",
    section=DensitySection,
    chart_section=DensityValues,
    inputs=lambda section, folder, slos: section.value(folder, slos),
    lacks=_lacks,
    shows={**dict.fromkeys(_PLAIN, as_given), "plan": shown},
    module="autox.tasks.density.task",
    load=Load.ELSEWHERE,
    metrics=METRICS,
    official=OFFICIAL,
    targets=_targets,
    secrets={"kubeconfigSecret": "kubeconfig"},
    sidecar=True,
    sums=True,
    # NB: for all its virtual nodes and pods to be deleted.
    grace=300,
)
