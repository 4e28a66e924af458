"""Asking the components and nodes of a cluster how they are: one request each, one answer in words.

They are asked as the administrator, since an anonymous ``/readyz`` says nothing about why not, and the nodes answer
nobody else. That a node agent answers does not mean that its nodes are registered: for that it writes a file, which
counts only if it is younger than the process. Whether pods can run on a node its Node object says.
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any

import psutil

from autox.cluster.administrator import Administrator
from autox.cluster.component import Component
from autox.cluster.home import ClusterHome
from autox.cluster.processes import Running
from autox.model.errors import AutoxError
from autox.wire.failures import ExchangeError

POLL_SECONDS = 0.05


class Health:
    """Asks the components of one cluster."""

    def __init__(self, home: ClusterHome, administrator: Administrator) -> None:
        self._home = home
        self._administrator = administrator

    async def trouble(self, component: Component, running: Running | None) -> str:
        """Why a component is not ready, in a few words; empty when it is."""
        if running is None:
            return "not running"
        if component.name == "nodes" and not self._registered(running):
            return "nodes are not registered yet"
        troubles = await asyncio.gather(*(self._url_trouble(url) for url in component.health))
        return next((trouble for trouble in troubles if trouble), "")

    async def troubles(self, components: Mapping[str, Component], running: Mapping[str, Running]) -> dict[str, str]:
        """The trouble of each component, asked all at once."""
        answers = await asyncio.gather(
            *(self.trouble(component, running.get(name)) for name, component in components.items())
        )
        return dict(zip(components, answers, strict=True))

    def _registered(self, running: Running) -> bool:
        try:
            registered = (self._home.nodes / "ready").stat().st_mtime
            # NB: start times have the kernel's resolution of 10 ms and are computed from a rounded boot time.
            return registered >= running.process.create_time() - 1.0
        except (OSError, psutil.Error):
            return False

    async def _url_trouble(self, url: str) -> str:
        try:
            answer = await self._administrator.get(url)
        except TimeoutError:
            return "does not answer"
        except ExchangeError:
            return "does not listen yet"
        return "" if answer.status == 200 else f"answers HTTP {answer.status}"


def is_ready(node: dict[str, Any]) -> bool:
    """Whether a Node's kubelet says so and the control plane lets pods onto it."""
    conditions = {each["type"]: each["status"] for each in node.get("status", {}).get("conditions", [])}
    taints = [taint["key"] for taint in node.get("spec", {}).get("taints", [])]
    return conditions.get("Ready") == "True" and not any(key.startswith("node.kubernetes.io/") for key in taints)


async def node_troubles(administrator: Administrator, server: str, names: Sequence[str]) -> dict[str, str]:
    """Why each of these nodes is not ready, in a few words; empty when it is.

    Args:
        administrator: who asks.
        server: URL of the API server.
        names: of the nodes.
    """
    troubles = await asyncio.gather(*(_trouble(administrator, f"{server}/api/v1/nodes/{name}") for name in names))
    return dict(zip(names, troubles, strict=True))


async def _trouble(administrator: Administrator, url: str) -> str:
    try:
        answer = await administrator.get(url)
        if answer.status == 200:
            return "" if is_ready(json.loads(answer.body)) else "not ready"
    except TimeoutError:
        return "unknown: the API server does not answer"
    except (AutoxError, ValueError) as error:
        return f"unknown: {error}"
    return "not ready" if answer.status == 404 else f"unknown: the API server answers HTTP {answer.status}"
