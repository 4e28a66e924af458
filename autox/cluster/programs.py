"""The programs of a cluster from one ``up`` to the next: those that a user chose stay, and etcd never gets older.

Chosen is what did not come out of autox's own cache: from AUTOX_BINARIES, PATH or KUBEBUILDER_ASSETS, which the next
shell may not have. What autox brought itself follows autox's pins.
"""

import re
from collections.abc import Mapping
from pathlib import Path

from autox.cluster.binaries.tools import Binary, Source, Tool
from autox.cluster.home import ClusterHome
from autox.cluster.state import ClusterState, read_state
from autox.model.errors import ConfigurationError

_OURS = (Source.CACHE, Source.DOWNLOAD, Source.BUILD)


def chosen(found: Mapping[Tool, Binary]) -> dict[str, str]:
    """The paths of the programs that a user chose, by program; what is recorded of them."""
    return {tool.value: str(binary.path) for tool, binary in found.items() if binary.source not in _OURS}


def remembered(home: ClusterHome) -> dict[Tool, Binary]:
    """The programs that a user once chose for this cluster; they may be gone by now."""
    recorded = read_state(home)
    if recorded is None:
        return {}
    return {
        tool: Binary(
            tool=tool, path=Path(recorded.chosen[tool]), version=recorded.versions[tool], source=Source.DIRECTORY
        )
        for tool in Tool
        if tool in recorded.chosen and tool in recorded.versions
    }


def check_data(home: ClusterHome, recorded: ClusterState | None, versions: Mapping[str, str]) -> None:
    """Make sure that etcd can read what etcd wrote, before anything is ended for it.

    Args:
        home: the cluster's files.
        recorded: what it ran until now; None for a new cluster.
        versions: what it is to run.

    Raises:
        ConfigurationError: etcd would be of an older minor version than the one that wrote the data.
    """
    before = recorded.versions.get(Tool.ETCD, "") if recorded else ""
    now = versions.get(Tool.ETCD, "")
    if home.etcd.is_dir() and before and now and _minor(now) < _minor(before):
        raise ConfigurationError(
            f"the data of cluster {home.name} was written by etcd {before}, and etcd {now} cannot read it",
            hint=f"name the directory that has etcd {before} with AUTOX_BINARIES, or take the cluster down first",
        )


def _minor(version: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d{1,9}", version)[:2]))
