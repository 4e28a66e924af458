"""Reads the facts about this machine that a Node object tells; what cannot be read is left empty."""

import platform
from pathlib import Path

from autox.nodes.node.nodeobject import Machine

_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}  # Kubernetes speaks the words of Go


def this_machine() -> Machine:
    """The machine that this process runs on."""
    name = platform.machine()
    return Machine(
        architecture=_ARCHITECTURES.get(name, name),
        kernel_version=platform.release(),
        os_image=_os_image(),
        machine_id=_line("/etc/machine-id"),
        boot_id=_line("/proc/sys/kernel/random/boot_id"),
    )


def _os_image() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except OSError:
        return platform.system()


def _line(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError:
        return ""
