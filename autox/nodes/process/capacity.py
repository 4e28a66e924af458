"""How much a process node offers: the processors and memory of this machine, which all its nodes share.

The scheduler counts requests against it; nothing limits what processes really use.
"""

import os

import psutil

PODS = 250
"""As many as fit into the first addresses of any pod range; what a real kubelet is tuned to at most."""


def machine_capacity() -> dict[str, str]:
    """Quantities by resource name, as a Node object has them."""
    disk = psutil.disk_usage("/").total
    return {
        "cpu": str(os.cpu_count() or 1),
        "memory": f"{psutil.virtual_memory().total // 1024}Ki",
        "ephemeral-storage": f"{disk // 1024}Ki",
        "pods": str(PODS),
    }
