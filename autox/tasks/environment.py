"""On what an experiment ran: the figures of two runs are worth comparing only if this is the same."""

import json
import os
import platform
from collections.abc import Mapping

from autox import __version__
from autox.kube.client import KubeClient
from autox.model.errors import AutoxError


async def environment(kube: KubeClient | None, environ: Mapping[str, str]) -> dict[str, str]:
    """Names and versions, by what they are of; what cannot be found out is left out.

    Args:
        kube: the cluster that the experiment runs in; None for none.
        environ: for ``NODE_NAME``.
    """
    found = {
        "autox": __version__,
        "python": platform.python_version(),
        "system": platform.system(),
        "machine": platform.machine(),
        "cpus": str(len(os.sched_getaffinity(0))),
        "node": environ.get("NODE_NAME", ""),
        "kubernetes": await _kubernetes(kube) if kube is not None else "",
    }
    return {name: value for name, value in found.items() if value}


async def _kubernetes(kube: KubeClient) -> str:
    try:
        answer = json.loads(await kube.read("/version"))
    except (AutoxError, ValueError, RecursionError):
        return ""
    version = answer.get("gitVersion") if isinstance(answer, dict) else None
    return version if isinstance(version, str) else ""
