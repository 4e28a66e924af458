"""``density.preset``: loads by name, each a plan (and clients, churn, latency pods) made of a few numbers.

A preset is no more than what could be written out: ``autox density presets NAME`` prints it as a plan, to be changed
from there. Loads that are to be compared have equal totals: few-large and many-small differ by nothing but the number
of Deployments that their pods are in.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

from pydantic import Field, TypeAdapter, model_validator

from autox.api.documents import Document
from autox.api.fields import PositiveNumber
from autox.api.tasks.density.churn import ChurnSection
from autox.api.tasks.density.clientlimits import MOST_CLIENTS
from autox.api.tasks.density.clients import ClientsSection
from autox.api.tasks.density.limits import MOST_CYCLES, MOST_LATENCY_PODS, MOST_NAMESPACES, MOST_OBJECTS, MOST_PODS
from autox.api.tasks.density.plan import PlanSection
from autox.core.loads.workloads import INDEX
from autox.model.workload import Churned

Fragment = dict[str, Any]
"""A part of the section ``density``, as it would be written."""

_PODS_A_NODE = 30
"""Of the largest cluster that SIG Scalability speaks of: 150,000 pods on 5,000 nodes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """A load with a name.

    Attributes:
        shows: what it shows, in a line.
        parameters: the numbers that it may be told, with what they are else.
        make: the load, of the parameters and of the number of nodes.
    """

    shows: str
    parameters: Mapping[str, float]
    make: Callable[[Mapping[str, Any], int], Fragment]

    def fragment(self, given: Mapping[str, float], *, nodes: int) -> Fragment:
        """The load as it would be written.

        Args:
            given: parameters that are not as usual.
            nodes: how many virtual nodes there are.
        """
        return self.make({**self.parameters, **given}, nodes)


def _steps(*steps: Fragment, **more: Any) -> Fragment:
    return {"steps": list(steps), **more}


def _step(name: str, rate: Fragment, *objects: Fragment, **more: Any) -> Fragment:
    return {"name": name, "objects": list(objects), "rate": rate, **more}


def _deployments(pods: int, size: int) -> list[Fragment]:
    """Pods in Deployments of so many each; the last may be smaller."""
    whole, rest = divmod(pods, size)
    groups = []
    if whole:
        groups.append({"kind": "Deployment", "name": f"web-{INDEX}", "count": whole, "replicas": size})
    if rest:
        groups.append({"kind": "Deployment", "name": f"web-{whole}", "replicas": rest})
    return groups


def _in_deployments(size: int, **more: Any) -> Callable[[Mapping[str, Any], int], Fragment]:
    def make(given: Mapping[str, Any], _nodes: int) -> Fragment:
        step = _step("pods", {"pods": given["rate"]}, *_deployments(given["pods"], size))
        latency = {"latencyPods": given["latencyPods"]} if given.get("latencyPods") else {}
        return {"plan": _steps(step), **latency, **more}

    return make


def _cluster_density(given: Mapping[str, Any], _nodes: int) -> Fragment:
    places = given["namespaces"]
    objects = (
        {"kind": "Deployment", "count": 2 * places, "replicas": 2},
        {"kind": "Service", "count": 2 * places},
        {"kind": "ConfigMap", "count": 5 * places, "size": "1KiB"},
        {"kind": "Secret", "count": 5 * places, "size": "1KiB"},
    )
    return {"plan": _steps(_step("all", {"qps": given["rate"]}, *objects), namespaces=places)}


def _service_churn(given: Mapping[str, Any], _nodes: int) -> Fragment:
    count = given["services"]
    objects = ({"kind": "Deployment", "count": count, "replicas": 5}, {"kind": "Service", "count": count})
    churn = {"share": "20%", "cycles": 3, "pause": "5s"}
    return {"plan": _steps(_step("services", {"qps": given["rate"]}, *objects)), "churn": churn}


def _config_churn(given: Mapping[str, Any], _nodes: int) -> Fragment:
    objects = (
        {"kind": "ConfigMap", "count": given["objects"], "size": "4KiB"},
        {"kind": "Secret", "count": given["objects"], "size": "4KiB"},
    )
    patching = {"name": "patching", "verb": "patch", "resource": "configmaps", "clients": given["clients"]}
    plan = _steps(_step("data", {"qps": given["rate"]}, *objects))
    return {"plan": plan, "clients": [{**patching, "rate": 5, "objects": 50, "size": 4096}]}


def _jobs(given: Mapping[str, Any], _nodes: int) -> Fragment:
    objects = {"kind": "Job", "count": given["jobs"], "replicas": 2}
    return {"plan": _steps(_step("jobs", {"qps": given["rate"]}, objects))}


def _list_storm(given: Mapping[str, Any], nodes: int) -> Fragment:
    lists = {"verb": "list", "resource": "pods", "scope": "cluster", "clients": given["clients"], "rate": 1}
    clients = [
        {**lists, "name": "cached", "consistency": "cache"},
        {**lists, "name": "quorum", "consistency": "quorum", "limit": 500},
    ]
    return {**_in_deployments(10)(given, nodes), "clients": clients}


def _watch_fan_out(given: Mapping[str, Any], nodes: int) -> Fragment:
    watches = {"name": "watching", "verb": "watch", "resource": "pods", "scope": "cluster", "clients": given["clients"]}
    return {**_in_deployments(10)(given, nodes), "clients": [watches]}


def _coming_again(of: Churned, *, pause: str) -> Callable[[Mapping[str, Any], int], Fragment]:
    def make(given: Mapping[str, Any], nodes: int) -> Fragment:
        churn = {"of": of.value, "share": "20%", "cycles": given["cycles"], "pause": pause}
        return _in_deployments(10, churn=churn)(given, nodes)

    return make


def _megaxl(given: Mapping[str, Any], nodes: int) -> Fragment:
    pods = min(_PODS_A_NODE * nodes, MOST_PODS)
    places = max(1, -(-pods // 3_000))
    return {"plan": _steps(_step("pods", {"pods": given["rate"]}, *_deployments(pods, 100)), namespaces=places)}


PRESETS: Mapping[str, Preset] = {
    "pod-density": Preset(
        shows="how fast pods start, in a load and one by one beside it: what SIG Scalability's SLO is about",
        parameters={"pods": 500, "rate": 20, "latencyPods": 50},
        make=_in_deployments(10),
    ),
    "cluster-density": Preset(
        shows="what a mix of Deployments, Services, ConfigMaps and Secrets in many namespaces costs",
        parameters={"namespaces": 10, "rate": 20},
        make=_cluster_density,
    ),
    "scheduler-throughput": Preset(
        shows="how many pods a second are bound when they come faster than the scheduler keeps up with",
        parameters={"pods": 1000, "rate": 170},
        make=_in_deployments(50),
    ),
    "few-large": Preset(
        shows="pods in few large Deployments: beside many-small, what a Deployment costs",
        parameters={"pods": 500, "rate": 20},
        make=_in_deployments(100),
    ),
    "many-small": Preset(
        shows="as many pods, each in a Deployment of its own: beside few-large, what a Deployment costs",
        parameters={"pods": 500, "rate": 20},
        make=_in_deployments(1),
    ),
    "service-churn": Preset(
        shows="what it costs that the pods behind Services come and go: EndpointSlices, and new pods",
        parameters={"services": 20, "rate": 10},
        make=_service_churn,
    ),
    "config-churn": Preset(
        shows="what ConfigMaps and Secrets cost that are created and patched all the time",
        parameters={"objects": 200, "rate": 20, "clients": 5},
        make=_config_churn,
    ),
    "jobs": Preset(
        shows="how Jobs come and run out, with their three updates a pod",
        parameters={"jobs": 100, "rate": 10},
        make=_jobs,
    ),
    "list-storm": Preset(
        shows="what lists of all pods do to everybody else, from the watch cache and from etcd",
        parameters={"pods": 300, "rate": 20, "clients": 5},
        make=_list_storm,
    ),
    "watch-fan-out": Preset(
        shows="what it costs to tell many watchers of every change of every pod",
        parameters={"pods": 300, "rate": 20, "clients": 50},
        make=_watch_fan_out,
    ),
    "node-drain": Preset(
        shows="what it costs to drain nodes, a fifth of them at a time: evictions, and new pods elsewhere",
        parameters={"pods": 500, "rate": 20, "cycles": 3},
        make=_coming_again(Churned.DRAINED_NODES, pause="5s"),
    ),
    "node-churn": Preset(
        shows="how long pods of nodes that are gone take to come again elsewhere, a fifth of the nodes at a time",
        parameters={"pods": 500, "rate": 20, "cycles": 2},
        make=_coming_again(Churned.NODES, pause="5s"),
    ),
    "megaxl": Preset(
        shows="the largest load that a cluster of these nodes is said to hold: 30 pods a node, up to 150,000",
        parameters={"rate": 100},
        make=_megaxl,
    ),
}
_CLIENTS = TypeAdapter(tuple[ClientsSection, ...])


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What a preset stands for, checked."""

    plan: PlanSection
    churn: ChurnSection | None
    clients: tuple[ClientsSection, ...]
    latency_pods: int


class PresetSection(Document):
    """A load by name, with its parameters: autox density presets NAME prints it as a plan."""

    name: Annotated[
        Literal[
            "pod-density",
            "cluster-density",
            "scheduler-throughput",
            "few-large",
            "many-small",
            "service-churn",
            "config-churn",
            "jobs",
            "list-storm",
            "watch-fan-out",
            "node-drain",
            "node-churn",
            "megaxl",
        ],
        Field(description="Of the preset."),
    ]
    pods: Annotated[int | None, Field(ge=1, le=MOST_PODS, description="How many pods in all.")] = None
    rate: Annotated[PositiveNumber | None, Field(description="Pods a second, or objects.")] = None
    namespaces: Annotated[int | None, Field(ge=1, le=MOST_NAMESPACES, description="How many.")] = None
    services: Annotated[int | None, Field(ge=1, le=MOST_OBJECTS, description="How many, with five pods each.")] = None
    objects: Annotated[int | None, Field(ge=1, le=MOST_OBJECTS, description="How many of each kind.")] = None
    jobs: Annotated[int | None, Field(ge=1, le=MOST_OBJECTS, description="How many, with two pods each.")] = None
    clients: Annotated[int | None, Field(ge=1, le=MOST_CLIENTS, description="How many in each entry.")] = None
    cycles: Annotated[int | None, Field(ge=1, le=MOST_CYCLES, description="How many of churn.")] = None
    latency_pods: Annotated[int | None, Field(ge=0, le=MOST_LATENCY_PODS, description="How many.")] = None

    @model_validator(mode="after")
    def _known(self) -> Self:
        known = PRESETS[self.name].parameters
        if unknown := sorted(self._given().keys() - known.keys()):
            raise ValueError(f"{self.name} has no {' and no '.join(unknown)}, but {', '.join(known)}")
        return self

    def parts(self, *, nodes: int) -> Parts:
        """What it stands for.

        Args:
            nodes: how many virtual nodes there are.
        """
        made = PRESETS[self.name].fragment(self._given(), nodes=nodes)
        return Parts(
            plan=PlanSection.model_validate_json(json.dumps(made["plan"])),
            churn=ChurnSection.model_validate_json(json.dumps(made["churn"])) if "churn" in made else None,
            clients=_CLIENTS.validate_json(json.dumps(made.get("clients", []))),
            latency_pods=made.get("latencyPods", 0),
        )

    def _given(self) -> dict[str, Any]:
        return self.model_dump(by_alias=True, exclude={"name"}, exclude_none=True)
