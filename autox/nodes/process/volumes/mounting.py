"""Showing a container its volumes: its mount paths as links under its rootfs, and replaced wherever it is told one.

A mount inside another mount (``/var/run`` and ``/var/run/secrets``) becomes a link inside the outer volume, as a
container runtime would make a mount point there; never inside a hostPath, which is the user's.

A container that mounts a volume at ``/etc/app`` names ``/etc/app/app.yaml`` in its arguments; on this machine
that file is elsewhere, so the path is replaced where it stands as a whole: at the start of the string or after
something that cannot be part of a path, and up to the end, a ``/`` or, again, such a character. Shell scripts in
arguments are the reason for the longer list of characters. So charts run unchanged without mount namespaces.

What a program has compiled into it cannot be replaced; it finds its files below the path in the environment
variable ``CONTAINER_SANDBOX_MOUNT_POINT``, or not at all.
"""

import os
import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from autox.kube.objects import Object
from autox.model.errors import StartError
from autox.nodes.process.volumes.expansion import expand

_REASON = "CreateContainerConfigError"
_BETWEEN = r"=:, \"'\s;|&<>()`@"


@dataclass(frozen=True, slots=True)
class MountSource:
    """Where a volume is.

    Attributes:
        path: its folder, or the file that a hostPath names.
        makes_folders: a missing subPath is made as a folder.
        takes_links: mounts inside this one may leave links in it.
    """

    path: Path
    makes_folders: bool = True
    takes_links: bool = True


def mount_container(
    rootfs: Path, container: Object, environment: Mapping[str, str], places: Mapping[str, MountSource]
) -> dict[str, str]:
    """Make the links of one container anew; where each of its mount paths really is.

    Args:
        rootfs: the folder below which the container finds its mounts; made with mode 0700.
        container: its specification in the pod.
        environment: its variables, for ``subPathExpr``.
        places: where the volumes of its pod are, by name.

    Raises:
        StartError: a volume, mount path or subPath that makes no sense (reason ``CreateContainerConfigError``).
    """
    shown: dict[str, str] = {}
    outer: dict[str, MountSource] = {}
    mounts = container.get("volumeMounts") or []
    try:
        rootfs.mkdir(parents=True, exist_ok=True, mode=0o700)
        for mount in sorted(mounts, key=lambda one: len(posixpath.normpath(one["mountPath"]))):
            if mount["name"] not in places:
                raise StartError(f"volumeMount {mount['name']!r} has no volume that could be made", reason=_REASON)
            path, source = _mount_path(mount), places[mount["name"]]
            target = _target(mount, source, environment)
            within = [outer[one] for one in outer if path.startswith(f"{one}/")]
            if all(one.takes_links for one in within):
                _link(rootfs / path.lstrip("/"), target)
            shown[path], outer[path] = str(target), source
    except OSError as error:
        message = f"failed to mount the volumes of container {container['name']}: {error.strerror}"
        raise StartError(message, reason=_REASON) from error
    return shown


def _mount_path(mount: Object) -> str:
    path: str = posixpath.normpath(mount["mountPath"])
    if not path.startswith("/"):
        path = f"/{path}"
    if path in {"/", "//"} or ".." in PurePosixPath(path).parts:
        raise StartError(f"a process node cannot mount a volume at {mount['mountPath']!r}", reason=_REASON)
    return path


def _target(mount: Object, source: MountSource, environment: Mapping[str, str]) -> Path:
    sub_path = mount.get("subPath") or _expanded(mount, environment)
    if not sub_path:
        return source.path
    parts = PurePosixPath(sub_path)
    target = source.path / parts
    if parts.is_absolute() or ".." in parts.parts or not _lies_within(target, source.path):
        raise StartError(f"subPath {sub_path!r} leads out of volume {mount['name']!r}", reason=_REASON)
    if not target.exists():
        if not source.makes_folders:
            raise StartError(f"there is no {sub_path!r} in volume {mount['name']!r} to mount", reason=_REASON)
        target.mkdir(parents=True, mode=0o755)
    return target


def _lies_within(target: Path, folder: Path) -> bool:
    """Whether it does once links are followed, including those that a container may have left in the volume."""
    return Path(os.path.realpath(target)).is_relative_to(os.path.realpath(folder))


def _expanded(mount: Object, environment: Mapping[str, str]) -> str:
    missing = []

    def value_of(name: str) -> str:
        value = environment.get(name, "")
        if not value:
            missing.append(name)
        return value

    expanded = expand(mount.get("subPathExpr") or "", value_of)
    if missing:
        raise StartError(f"missing value for {', '.join(sorted(set(missing)))}", reason=_REASON)
    return expanded


def _link(link: Path, target: Path) -> None:
    """Make ``link`` lead to ``target``; a file or folder that stands there stays."""
    link.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
    if link.is_symlink():
        if link.readlink() == target:
            return
        link.unlink()
    if not link.exists():
        link.symlink_to(target)


class MountPaths:
    """The mount paths of one container, and where each really is."""

    def __init__(self, places: Mapping[str, str]) -> None:
        self._places = {posixpath.normpath(path): place for path, place in places.items()}
        longest_first = sorted(self._places, key=len, reverse=True)
        either = "|".join(re.escape(path) for path in longest_first)
        self._pattern = re.compile(rf"(?:^|(?<=[{_BETWEEN}]))({either})(?=$|[/{_BETWEEN}])") if either else None

    def rewrite(self, text: str) -> str:
        """``text`` with every mount path in it replaced; the longest one that fits counts."""
        if self._pattern is None:
            return text
        return self._pattern.sub(lambda match: self._places[match[1]], text)
