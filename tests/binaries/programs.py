"""Shell scripts that report versions in the formats of the real programs."""

import json
from pathlib import Path

from autox.cluster.binaries.pins import pinned
from autox.cluster.binaries.tools import Tool


def script(tool: Tool, version: str = "") -> str:
    """A program that answers as the real one of this version does, and logs that it was asked."""
    version = version or pinned(tool)
    match tool:
        case Tool.ETCD:
            text = f"etcd Version: {version.removeprefix('v')}\nGit SHA: 0a1b2c3\nGo Version: go1.26.8\n"
            wanted = "--version"
        case Tool.KUBECTL:
            client = {"major": "1", "minor": "36", "gitVersion": version, "platform": "linux/amd64"}
            text = json.dumps({"clientVersion": client, "kustomizeVersion": "v5.8.1"}, indent=2) + "\n"
            wanted = "version --client --output=json"
        case Tool.HELM:
            text, wanted = f"{version}+g3547a4b\n", "version --short"
        case Tool.COREDNS:
            text, wanted = f"CoreDNS-{version.removeprefix('v')}\nlinux/amd64, go1.26.8, \n", "-version"
        case _:
            text, wanted = f"Kubernetes {version}\n", "--version"
    # NB: shell built-ins only, since tests run it with an empty PATH
    return f"#!/bin/sh\necho asked >>\"$0.asked\"\n[ \"$*\" = '{wanted}' ] || exit 64\nprintf '%s' '{text}'\n"


def install(directory: Path, tool: Tool, version: str = "", *, content: str = "") -> Path:
    """Put an executable program into a directory."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / tool
    path.write_text(content or script(tool, version))
    path.chmod(0o755)
    return path


def install_all(directory: Path) -> Path:
    """Put all programs into a directory."""
    for tool in Tool:
        install(directory, tool)
    return directory


def times_asked(path: Path) -> int:
    """How often a program of ours has been asked for its version."""
    log = path.with_name(f"{path.name}.asked")
    return len(log.read_text().splitlines()) if log.exists() else 0
