"""What is compared: a driver, and whose virtual nodes run the pods that it makes.

All agents serve nodes of the same names with the same label, and all pods are for just these: autox finds them by its
``nodeSelector``. It takes nodes of its own agents alone, so that KWOK's have their label too.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from autox.kube.objects import Object
from autox.model.result import Subject
from autox.tasks.density.labels import RunLabels
from benchmarks.density.drivers import AutoxDriver, Driver
from benchmarks.density.kubeburner import KubeBurner
from benchmarks.kwok.obtaining import Kwok
from benchmarks.nodes.agents import KWOK_PARALLELISM, Agent, Autox, KwokAgent, Setting

DIGITS = "be7cbe7c"
LABELS = {"autox.dev/bench": "density"}
RUN = RunLabels.of(Subject(), token=DIGITS, given=LABELS)
STARTED = {"type": "Normal", "reason": "Started", "message": "Started container"}
SANDBOXED = """conditions:
- lastTransitionTime: {{ $now | Quote }}
  status: "True"
  type: PodReadyToStartContainers
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rig:
    """A driver with nodes.

    Attributes:
        driver: that makes the pods.
        agent: of the nodes; None where the driver brings them.
    """

    driver: Driver
    agent: Agent | None = None

    @property
    def name(self) -> str:
        """What the table calls it."""
        return self.driver.name if self.agent is None else f"{self.driver.name} on {self.agent.name}"


class MarkedAutox(Autox):
    """autox's agent with nodes of these names and this label."""

    def command(self, setting: Setting) -> Sequence[str]:
        """The command and its file."""
        command = super().command(setting)
        file = Path(command[-1])
        document = json.loads(file.read_text())
        document["mock"] |= {"namePrefix": RUN.node_prefix, "labels": LABELS}
        file.write_text(json.dumps(document))
        return command


class MarkedKwok(KwokAgent):
    """KWOK's agent with nodes that autox finds."""

    def node(self, name: str) -> Object | None:
        """Labelled."""
        node = super().node(name)
        if node is not None:
            node["metadata"]["labels"] |= RUN.node_selector
        return node


class KubeletLikeKwok(MarkedKwok):
    """The same that makes pods Ready as a kubelet does, as far as kube-burner looks at it.

    It waits for the Event ``Started`` of each pod, and a pod without the condition ``PodReadyToStartContainers`` is an
    error to it.
    """

    def stages(self) -> list[str]:
        """With both."""
        return [_like_a_kubelet(yaml.safe_load(text)) for text in super().stages()]


def rigs(kube_burner: Path | None, kwok: Kwok | None) -> Sequence[Rig]:
    """All that can be compared.

    Args:
        kube_burner: the program; None leaves it out.
        kwok: the other make of nodes; None leaves it out.
    """
    return tuple(_rigs(kube_burner, kwok))


def _rigs(kube_burner: Path | None, kwok: Kwok | None) -> Iterator[Rig]:
    apart = AutoxDriver(node_selector=LABELS)
    theirs = KubeBurner(kube_burner, RUN) if kube_burner is not None else None
    yield Rig(driver=AutoxDriver())
    yield Rig(driver=apart, agent=MarkedAutox())
    if theirs is not None:
        yield Rig(driver=theirs, agent=MarkedAutox())
    if kwok is not None:
        plain = MarkedKwok(kwok, name="kwok", parallelism=KWOK_PARALLELISM)
        yield Rig(driver=apart, agent=plain)
        if theirs is not None:
            yield Rig(driver=theirs, agent=plain)
            kubelets = KubeletLikeKwok(kwok, name="kwok-kubelet", parallelism=KWOK_PARALLELISM)
            yield Rig(driver=theirs, agent=kubelets)


def _like_a_kubelet(stage: dict[str, Any]) -> str:
    if stage["metadata"]["name"] == "pod-ready":
        following = stage["spec"]["next"]
        following["event"] = STARTED
        following["statusTemplate"] = following["statusTemplate"].replace("conditions:\n", SANDBOXED, 1)
    return yaml.safe_dump(stage)
