"""Drivers: programs that put one and the same load on a control plane, and tell what they saw of its pods.

Both are told the same in their own words: Deployments of one template, so many a second, until every pod is Ready; one
limit on the 99th percentile of pod startup; and that everything is to be taken away again. autox's brings its virtual
nodes along, in the same process, unless it is to use those that are there, to see what the driver alone costs.
``kubeburner`` next door is the other one.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from autox.api.results import result_from_object
from autox.model.density import DensityInputs
from autox.model.errors import ConfigurationError
from autox.model.result import ExperimentResult

P99 = "density/pod-startup-latency-p99"
STARTUPS = "density/pod-startup-latency"
"""Its value is the number of pods of which there is a startup."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What is put on the control plane.

    Attributes:
        nodes: how many virtual nodes.
        deployments: how many Deployments.
        replicas: how many pods each of them has.
        rate: Deployments a second.
        limit: seconds that the 99th percentile of pod startup may take.
        timeout: seconds within which all pods must run.
    """

    nodes: int
    deployments: int
    replicas: int = 10
    rate: int = 10
    limit: float = 5.0
    timeout: int = 300

    @property
    def pods(self) -> int:
        """How many pods."""
        return self.deployments * self.replicas

    @property
    def inputs(self) -> DensityInputs:
        """The same in autox's words."""
        return DensityInputs(
            nodes=self.nodes, pods=self.pods, pods_per_deployment=self.replicas, rate=float(self.rate * self.replicas)
        )

    def __str__(self) -> str:
        return (
            f"{self.nodes:,} virtual nodes, {self.pods:,} pods in {self.deployments:,} Deployments,"
            f" {self.rate} Deployments a second"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a driver says of its run.

    Attributes:
        documented: how many pods it gives a startup of.
        p99: of pod startup, in seconds; None if it gives none.
        verdict: in its own words.
    """

    documented: int
    p99: float | None
    verdict: str


class Driver(Protocol):
    """A program that puts a load on a control plane."""

    @property
    def name(self) -> str:
        """What the table calls it."""

    def command(self, load: Load, *, kubeconfig: Path, directory: Path) -> Sequence[str]:
        """How it is started; writes what it reads into its directory, where it is started, too."""

    def told(self, directory: Path, *, code: int) -> Told:
        """What it left in its directory, by an exit code."""


class AutoxDriver:
    """``autox run`` of an experiment of two tasks, as users type it."""

    name = "autox"

    def __init__(self, *, node_selector: Mapping[str, str] | None = None) -> None:
        """Nothing is started.

        Args:
            node_selector: labels of nodes that agents serve; None where it brings its own.
        """
        self._nodes = {} if node_selector is None else {"nodeSelector": dict(node_selector)}

    def command(self, load: Load, *, kubeconfig: Path, directory: Path) -> Sequence[str]:
        """The command and its document."""
        density = {
            "kubeconfig": str(kubeconfig),
            "nodes": load.nodes,
            "pods": load.pods,
            "podsPerDeployment": load.replicas,
            "rate": load.rate * load.replicas,
            "timeout": f"{load.timeout}s",
            **self._nodes,
        }
        assess = {"SLOs": {"upper": {P99: load.limit * 1000}}}
        file = directory / "experiment.json"
        file.write_text(
            json.dumps({"tasks": [{"task": "density", "with": density}, {"task": "assess", "with": assess}]})
        )
        return (sys.executable, "-m", "autox", "run", "-f", str(file), "--result", str(_result(directory)))

    def told(self, directory: Path, *, code: int) -> Told:
        """By its result document."""
        try:
            result = result_from_object(json.loads(_result(directory).read_bytes()))
        except (OSError, ValueError, ConfigurationError):
            return Told(documented=0, p99=None, verdict=f"none, exit code {code}")
        startups, p99 = (_value(result, name) for name in (STARTUPS, P99))
        return Told(
            documented=int(startups or 0),
            p99=None if p99 is None else p99 / 1000,
            verdict=f"{result.verdict}, exit code {code}",
        )


def _result(directory: Path) -> Path:
    return directory / "result.json"


def _value(result: ExperimentResult, name: str) -> float | None:
    return next((each.value for task in result.tasks for each in task.metrics if each.name == name), None)
