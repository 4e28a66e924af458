"""Whether pods can run on a node, by what its Node object says."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

from autox.cluster.administrator import Administrator
from autox.model.errors import AutoxError


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
