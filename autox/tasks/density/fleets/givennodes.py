"""Virtual nodes that are there already, found by their labels: agents elsewhere keep them, as of the chart ``nodes``.

The run makes none of them, changes none and removes none. Only nodes that an agent with provider mock keeps count, for
on any other a pod would be run by somebody; and none of another load test, which has a taint that these pods do not
tolerate.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence

from autox.kube.client import KubeClient
from autox.kube.objects import Object, metadata
from autox.model.errors import ConfigurationError, DeadlineError
from autox.model.refs import NODES
from autox.tasks.density.fleets.nodes import closed, wait_until_open
from autox.tasks.density.labels import RUN_LABEL

_PAUSE = 1.0  # seconds between two looks
_TELL = 5.0  # seconds between two lines of progress
_AGENTS = "`kubectl get nodes -L autox.dev/provider` shows them; do the agents run, and are they ready?"


class GivenNodes:
    """The virtual nodes of one run, which others keep.

    Attributes:
        names: of the nodes.
        trouble: empty: whether an agent lives is seen by its nodes alone.
        usage: None: what agents elsewhere use they tell elsewhere.
    """

    trouble = ""
    usage = None

    def __init__(self, kube: KubeClient, selector: str, names: Sequence[str]) -> None:
        """Take over what ``find`` has found.

        Args:
            kube: of the cluster under test.
            selector: the labels of the nodes.
            names: their names.
        """
        self._kube = kube
        self._selector = selector
        self.names = names

    async def serve(self) -> None:
        """Wait until cancelled: others serve."""
        await asyncio.Event().wait()

    async def withdraw(self, name: str) -> None:
        """Nobody takes a node away that the run did not make: such churn is refused where it is written."""
        raise ConfigurationError(f"node {name} is not one that this run made")

    async def restore(self, name: str) -> None:
        """Likewise."""
        raise ConfigurationError(f"node {name} is not one that this run made")

    async def wait_until_ready(self, say: Callable[[str], None]) -> None:
        """Return when pods can be scheduled to every node; however long that takes."""
        await wait_until_open(self._kube, self._selector, say, count=len(self.names), until=lambda: False)


async def find(
    kube: KubeClient, selector: str, *, count: int, seconds: float, say: Callable[[str], None]
) -> tuple[str, ...]:
    """The names of the nodes, once so many are open to pods.

    Args:
        kube: of the cluster under test.
        selector: their labels.
        count: how many there are to be; no fewer, no more.
        seconds: how long to wait for those that are not there, or not ready.
        say: is told the progress.

    Raises:
        ConfigurationError: there are none, or more.
        DeadlineError: there were too few for so long; says why the first of the others is not open.
        AutoxError: the API server cannot be reached, or refuses.
    """
    deadline = time.monotonic() + seconds
    tell_at = time.monotonic() + _TELL
    while True:
        nodes = _own((await kube.list(NODES, label_selector=selector)).items)
        if not nodes:
            raise ConfigurationError(
                f"{kube.server}: no node of an agent has the labels {selector}",
                hint="install charts/nodes with that cluster's identity first, or leave nodeSelector out: the run then"
                f" makes nodes of its own; {_AGENTS}",
            )
        if len(nodes) > count:
            raise ConfigurationError(
                f"{kube.server}: {len(nodes):,} nodes have the labels {selector}, and nodes is {count:,}",
                hint=f"say nodes: {len(nodes)}, or give labels that so many nodes have",
            )
        shut = {str(metadata(node)["name"]): why for node in nodes if (why := closed(node))}
        told = f"{len(nodes) - len(shut):,} of {count:,} nodes with the labels {selector} are ready for pods"
        if len(nodes) == count and not shut:
            return tuple(sorted(str(metadata(node)["name"]) for node in nodes))
        now = time.monotonic()
        if now >= deadline:
            name, why = next(iter(sorted(shut.items())), ("", ""))
            first = f"of {name} it is said that {why}" if name else f"there are no more than {len(nodes):,}"
            raise DeadlineError(f"{kube.server}: only {told} after {seconds:g} s: {first}", hint=_AGENTS)
        if now >= tell_at:
            say(told)
            tell_at = now + _TELL
        await asyncio.sleep(_PAUSE)


def _own(nodes: Iterable[Object]) -> list[Object]:
    """Without those of load tests."""
    return [node for node in nodes if RUN_LABEL not in (metadata(node).get("labels") or {})]
