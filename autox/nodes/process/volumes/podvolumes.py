"""The volumes of one pod under its folder, and where each container finds them.

``volumes/NAME`` holds an emptyDir or the files of a Secret, ConfigMap, downward API or projected volume; a
hostPath is where it is, once the kubelet's checks of what is there have passed (pkg/volume/hostpath/host_path.go in
kubernetes). ``rootfs/CONTAINER`` shows each mount below its mount path, by links. There are no mounts: ``readOnly`` is
not enforced, and an emptyDir's ``sizeLimit`` neither.

``prepare`` and ``refresh`` read through ``content.py``; links are ``mounting.py``'s part.
"""

import stat
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from autox.kube.objects import Object
from autox.model.errors import StartError, UnsupportedError
from autox.nodes.process.volumes.atomicwriter import write_atomically
from autox.nodes.process.volumes.content import VolumeContent
from autox.nodes.process.volumes.downward import PodFacts
from autox.nodes.process.volumes.mounting import MountSource, mount_container
from autox.nodes.process.volumes.sources import Sources

_REASON = "FailedMount"
_KINDS = {
    "Directory": (stat.S_ISDIR, "a directory"),
    "File": (stat.S_ISREG, "a file"),
    "Socket": (stat.S_ISSOCK, "a socket file"),
    "CharDevice": (stat.S_ISCHR, "a character device"),
    "BlockDevice": (stat.S_ISBLK, "a block device"),
}


class PodVolumes:
    """The volumes of one pod."""

    def __init__(self, folder: Path, sources: Sources, *, clock: Callable[[], float] = time.time) -> None:
        """Nothing is made or read before ``prepare``.

        Args:
            folder: the pod's folder (``pods/UID`` in the state directory).
            sources: where Secrets, ConfigMaps and tokens come from.
            clock: seconds since the epoch.
        """
        self._folder = folder
        self._payloads = VolumeContent(sources, clock=clock)
        self._places: dict[str, MountSource] = {}

    async def prepare(self, facts: PodFacts) -> None:
        """Make every volume that a container mounts; what is there already is brought up to date.

        Raises:
            StartError: something it needs is missing or cannot be written (reason ``FailedMount``).
            UnsupportedError: a kind of volume that a process node does not offer; names the volume.
        """
        spec = facts.pod.get("spec", {})
        containers = [*spec.get("initContainers", []), *spec.get("containers", [])]
        mounted = {mount["name"] for container in containers for mount in container.get("volumeMounts") or []}
        for volume in spec.get("volumes") or []:
            if volume["name"] in mounted:
                await self._set_up(facts, volume)

    async def refresh(self, facts: PodFacts) -> bool:
        """Bring changed Secrets, ConfigMaps, fields and aged tokens to the files; True when any file changed.

        Raises:
            StartError: something cannot be read or written; all that could be is up to date.
        """
        changed, failure = False, None
        for volume in facts.pod.get("spec", {}).get("volumes") or []:
            if volume["name"] in self._places:
                try:
                    changed |= await self._set_up(facts, volume)
                except StartError as error:
                    failure = error
        if failure is not None:
            raise failure
        return changed

    def mount(self, container: Object, environment: Mapping[str, str]) -> dict[str, str]:
        """Show the container's mounts under its rootfs; where each mount path really is, for ``MountPaths``.

        Raises:
            StartError: a mount path or subPath that makes no sense (reason ``CreateContainerConfigError``).
        """
        return mount_container(self.rootfs(container["name"]), container, environment, self._places)

    def rootfs(self, container: str) -> Path:
        """The folder below which a container finds its mounts by their mount paths."""
        return self._folder / "rootfs" / container

    async def _set_up(self, facts: PodFacts, volume: Object) -> bool:
        name = volume["name"]
        try:
            return await self._make(facts, volume)
        except UnsupportedError as error:
            raise UnsupportedError(_failed(name, error.message), hint=error.hint) from error
        except StartError as error:
            raise StartError(_failed(name, error.message), hint=error.hint, reason=_REASON) from error
        except ValueError as error:
            raise StartError(_failed(name, str(error)), reason=_REASON) from error
        except OSError as error:
            raise StartError(_failed(name, error.strerror or "input/output error"), reason=_REASON) from error

    async def _make(self, facts: PodFacts, volume: Object) -> bool:
        name = volume["name"]
        place = self._folder / "volumes" / name
        files = await self._payloads.files(facts, volume)
        if files is not None:
            changed = write_atomically(place, files)
            self._places[name] = MountSource(place, makes_folders=False)
            return changed
        if "emptyDir" in volume:
            place.mkdir(parents=True, exist_ok=True, mode=0o700)
            place.chmod(0o777)
            self._places[name] = MountSource(place)
        elif "hostPath" in volume:
            path = _host_path(volume["hostPath"]["path"], volume["hostPath"].get("type") or "")
            self._places[name] = MountSource(path, takes_links=False)
        else:
            kind = ", ".join(sorted(volume.keys() - {"name"})) or "nothing"
            raise UnsupportedError(
                f"a process node does not offer volumes of type {kind}",
                hint="Use emptyDir, configMap, secret, projected, downwardAPI or hostPath.",
            )
        return False


def _failed(volume: str, why: str) -> str:
    return f'MountVolume.SetUp failed for volume "{volume}" : {why}'


def _host_path(path: str, kind: str) -> Path:
    """The path, once it is what the volume's ``type`` says it must be; an empty type asks for nothing.

    Raises:
        StartError: it is not, cannot be made, or is no absolute path (reason ``FailedMount``).
    """
    place = Path(path)
    if not place.is_absolute() or ".." in place.parts:
        raise StartError(f"hostPath {path!r} is not an absolute path without '..'", reason=_REASON)
    if not kind:
        return place
    required = kind.removesuffix("OrCreate")
    if required not in _KINDS:
        raise StartError(f"{kind} is an invalid volume type", reason=_REASON)
    fits, words = _KINDS[required]
    try:
        if kind == "DirectoryOrCreate" and not place.exists():
            place.mkdir(mode=0o755, parents=True, exist_ok=True)
        elif kind == "FileOrCreate" and not place.exists():
            place.touch(mode=0o644)
        if fits(place.stat().st_mode):
            return place
    except OSError as error:
        raise StartError(f"hostPath type check failed: {path}: {error.strerror}", reason=_REASON) from error
    raise StartError(f"hostPath type check failed: {path} is not {words}", reason=_REASON)
