"""Where the containers of one pod live: their volumes, and everything a container is launched with.

Puts the parts together that know of images, environments, mounts and services, so that a worker asks for a launch and
gets one, or an error that says which part of the pod is not satisfiable on this node.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from autox.kube.objects import Object
from autox.model.errors import StartError
from autox.model.nodes import ImageMapping
from autox.nodes.process.pod.environment import base_environment, declared_environment
from autox.nodes.process.pod.images import command_line, mapping_of, search_path
from autox.nodes.process.runtime.attempts import ContainerKey, ContainerLaunch
from autox.nodes.process.runtime.terminationmessage import message_path, termination_message
from autox.nodes.process.volumes.downward import PodFacts
from autox.nodes.process.volumes.expansion import expand_with
from autox.nodes.process.volumes.mounting import MountPaths
from autox.nodes.process.volumes.podvolumes import PodVolumes
from autox.nodes.process.volumes.sources import Sources

CHANGING_VOLUMES = frozenset({"secret", "configMap", "projected", "downwardAPI"})


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeFacts:
    """What a node gives to all its pods.

    Attributes:
        host_ip: its address.
        allocatable: quantities by resource name.
        images: what images are on this machine.
        api_server: host and port by which pods reach the API server.
        services: the service environment variables of a pod, by its namespace and ``enableServiceLinks``.
        log_path: where the log of an attempt is.
    """

    host_ip: str
    allocatable: Mapping[str, str]
    images: tuple[ImageMapping, ...]
    api_server: tuple[str, int]
    services: Callable[[str, bool], Mapping[str, str]]
    log_path: Callable[[ContainerKey], Path]


class PodSandbox:
    """The place of one pod on its node."""

    def __init__(self, node: NodeFacts, pod: Object, *, folder: Path, pod_ip: str, sources: Sources) -> None:
        """Prepare; nothing is made before ``set_up``.

        Args:
            node: what its node gives it.
            pod: the Pod object.
            folder: its folder in the state directory.
            pod_ip: where it listens, the loopback form.
            sources: where Secrets, ConfigMaps and tokens come from.
        """
        self._node, self._pod_ip, self._sources = node, pod_ip, sources
        self._volumes = PodVolumes(folder, sources)
        volumes = pod["spec"].get("volumes") or ()
        self.refreshable = any(volume.keys() & CHANGING_VOLUMES for volume in volumes)

    async def set_up(self, pod: Object) -> None:
        """Make its volumes.

        Raises:
            AutoxError: something that it needs is missing.
        """
        await self._volumes.prepare(self._facts(pod))

    async def refresh(self, pod: Object) -> None:
        """Bring its volumes up to date.

        Raises:
            AutoxError: something cannot be read or written; the rest is up to date.
        """
        await self._volumes.refresh(self._facts(pod))

    async def launch(self, pod: Object, container: Object, key: ContainerKey) -> ContainerLaunch:
        """What is to be started for an attempt of a container.

        Args:
            pod: the Pod object as last seen.
            container: its specification in the pod.
            key: which attempt.

        Raises:
            StartError: the container cannot be made as its pod describes it; its reason is the one to be shown.
        """
        facts, spec = self._facts(pod), pod["spec"]
        rootfs = self._volumes.rootfs(container["name"])
        mapping = mapping_of(container.get("image", ""), self._node.images)
        services = self._node.services(facts.namespace, spec.get("enableServiceLinks", True))
        base = base_environment(facts, rootfs=rootfs, path=search_path(mapping), api_server=self._node.api_server)
        declared = await declared_environment(facts, container, sources=self._sources, services=services)
        places = self._volumes.mount(container, {**base, **declared})
        last_words = self._last_words(container)
        paths = MountPaths({**places, message_path(container): str(last_words)})
        command, args = (
            [paths.rewrite(expand_with(text, declared, base)) for text in container.get(field) or ()]
            for field in ("command", "args")
        )
        argv = command_line(container.get("image", ""), command, args, mapping)
        directory = container.get("workingDir")
        cwd = Path(paths.rewrite(directory)) if directory else rootfs
        _clear(last_words)
        env = {**base, **{name: paths.rewrite(value) for name, value in declared.items()}}
        return ContainerLaunch(key=key, argv=argv, env=env, cwd=cwd)

    def inside(self, container: Object, argv: Sequence[str]) -> list[str]:
        """The command of a probe or hook, with each mount path where the container's files show it."""
        rootfs = self._volumes.rootfs(container["name"])
        mounted = [mount["mountPath"] for mount in container.get("volumeMounts") or ()]
        paths = MountPaths({path: str(rootfs / path.lstrip("/")) for path in (*mounted, message_path(container))})
        return [paths.rewrite(text) for text in argv]

    async def termination_message(self, container: Object, key: ContainerKey, *, failed: bool) -> str:
        """The last words of an attempt that has ended.

        Args:
            container: its specification in the pod.
            key: which attempt.
            failed: its exit code was not 0; only then may its log speak for it.
        """
        return await termination_message(
            container, self._last_words(container), self._node.log_path(key), failed=failed
        )

    def _last_words(self, container: Object) -> Path:
        """Where the container's terminationMessagePath really is; links lead into its volumes."""
        return self._volumes.rootfs(container["name"]) / message_path(container).lstrip("/")

    def _facts(self, pod: Object) -> PodFacts:
        return PodFacts(pod=pod, pod_ip=self._pod_ip, host_ip=self._node.host_ip, allocatable=self._node.allocatable)


def _clear(last_words: Path) -> None:
    """An empty file, whatever the attempt before has left there."""
    try:
        last_words.parent.mkdir(parents=True, exist_ok=True)
        last_words.unlink(missing_ok=True)
        last_words.touch(mode=0o666)
    except OSError as error:
        raise StartError(
            f"cannot make the file for the termination message: {error.strerror}", reason="CreateContainerError"
        ) from error
