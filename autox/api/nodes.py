"""The file that sets up an agent of virtual nodes (``autox nodes run --config FILE``), checked where it is made.

pydantic describes and checks the file; what leaves this module is ``autox.model.nodes.NodesConfig``. Relative
paths are taken from the folder of the file, so that a state directory can be moved as a whole.
"""

import re
from collections.abc import Mapping
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator
from pydantic.alias_generators import to_camel

from autox.api.crashloops import CrashLoopBackOffSection
from autox.api.documents import Document, checked, read_document
from autox.api.fields import LeaseDuration
from autox.api.stages import load_stages
from autox.core.formats.notation import parse_quantity
from autox.core.pods.podshares import pod_share
from autox.model import nodes as values
from autox.model.addresses import parse_address
from autox.model.errors import ConfigurationError

ROOMY_CIDR = "10.128.0.0/9"
"""Addresses for pods that nobody listens on: eight million, enough for every node and pod of the largest run."""

_FOUND = 1_000  # how many nodes a selector may find, where addresses are shared out before it is known
_DNS_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")


def _node_name(name: str) -> str:
    if len(name) > 253 or not _DNS_SUBDOMAIN.fullmatch(name):
        raise ValueError(f"{name!r} is not a name that a node can have (lower-case letters, digits, '-' and '.')")
    return name


def _name_prefix(prefix: str) -> str:
    _node_name(f"{prefix}0")
    return prefix


def _pod_cidr(text: str) -> str:
    try:
        network = IPv4Network(text)
    except ValueError as error:
        raise ValueError(f"{text!r} is not an IPv4 network such as 10.244.0.0/16") from error
    if not network.subnet_of(IPv4Network("10.0.0.0/8")) or network.prefixlen > 24:
        # NB: 10.x.y.z is published where the process listens on 127.x.y.z; see autox.nodes.services.
        raise ValueError(f"{text} must lie within 10.0.0.0/8 and hold at least 256 addresses")
    return text


def _ipv4(text: str) -> str:
    try:
        return str(IPv4Address(text))
    except ValueError as error:
        raise ValueError(f"{text!r} is not an IPv4 address") from error


def _address(text: str) -> str:
    try:
        return str(parse_address(text))
    except ConfigurationError as error:
        raise ValueError(error.advice) from error


def _quantity(text: str) -> str:
    parse_quantity(text)
    return text


NonEmpty = Annotated[str, Field(min_length=1)]


class NodeEntry(Document):
    """One node of provider ``process``."""

    name: Annotated[str, AfterValidator(_node_name)]
    kubeconfig: Path


class TaintEntry(Document):
    """A taint that nodes are created with."""

    key: NonEmpty
    value: str = ""
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"]


class MockSection(Document):
    """The nodes of provider ``mock``."""

    kubeconfig: Path | None = None
    allow_exec: bool = True
    mode: values.Mode = values.Mode.CHEAP
    name_prefix: Annotated[str, AfterValidator(_name_prefix)] = "virtual-"
    count: Annotated[int, Field(ge=1, le=100_000)] | None = None
    selector: NonEmpty | None = None
    index: Annotated[int, Field(ge=0, strict=True)] | None = None
    node_lease_duration_seconds: LeaseDuration = values.NODE_LEASE_SECONDS
    run_seconds: Annotated[float, Field(ge=0, le=86_400)] = 1.0
    stages: Path | None = None
    capacity: dict[NonEmpty, Annotated[str, AfterValidator(_quantity)]] = Field(default_factory=dict)
    labels: dict[NonEmpty, str] = Field(default_factory=dict)
    taints: tuple[TaintEntry, ...] = ()

    @model_validator(mode="after")
    def _nodes_are_made_or_found(self) -> Self:
        if (self.count is None) == (self.selector is None):
            raise ValueError("mock needs count, for nodes to make, or selector, for nodes that are there: one of them")
        if self.selector is not None and (made := self.model_fields_set & {"name_prefix", "labels", "taints"}):
            names = ", ".join(sorted(map(to_camel, made)))
            raise ValueError(f"{names}: not together with selector; nodes that are there keep what they have")
        return self

    def pod_network(self, whole: IPv4Network) -> IPv4Network:
        """The addresses of these nodes' pods: a share if there are several agents, else all of them."""
        if self.index is None:
            return whole
        return pod_share(whole, index=self.index, nodes=self.count or _FOUND)

    def value(self, folder: Path) -> values.MockNodes:
        """The nodes as a value: files below ``folder``, stages read and checked; count 0 or no selector for none."""
        return values.MockNodes(
            kubeconfig=None if self.kubeconfig is None else folder / self.kubeconfig,
            allow_exec=self.allow_exec,
            mode=self.mode,
            name_prefix=self.name_prefix,
            count=self.count or 0,
            selector=self.selector or "",
            node_lease_duration_seconds=self.node_lease_duration_seconds,
            run_seconds=self.run_seconds,
            stages=None if self.stages is None else load_stages(folder / self.stages),
            capacity=self.capacity,
            labels=self.labels,
            taints=tuple(one.model_dump(exclude_defaults=True) for one in self.taints),
        )


class KubeletSection(Document):
    """The kubelet endpoints; of mock nodes, the first one's, see ``autox.model.nodes.KubeletEndpoint.place``."""

    address: Annotated[str, AfterValidator(_ipv4)]
    port: Annotated[int, Field(ge=1, le=65535)] = 10250
    cert_file: Path
    key_file: Path
    client_ca_file: Annotated[Path, Field(alias="clientCAFile")]

    def check_room(self, count: int) -> None:
        """Raises ``ValueError`` if there is no place for so many mock nodes."""
        try:
            self.value(Path()).place(count - 1)
        except ConfigurationError as error:
            raise ValueError(error.message) from error

    def value(self, folder: Path) -> values.KubeletEndpoint:
        """The endpoint as a value: its files below ``folder``."""
        return values.KubeletEndpoint(
            address=self.address,
            port=self.port,
            cert_file=folder / self.cert_file,
            key_file=folder / self.key_file,
            client_ca_file=folder / self.client_ca_file,
        )


class ImageEntry(Document):
    """What an image is on this machine."""

    image: NonEmpty
    entrypoint: tuple[NonEmpty, ...] = ()
    cmd: tuple[str, ...] = ()
    path: tuple[Path, ...] = ()

    def value(self, folder: Path) -> values.ImageMapping:
        """The image as a value: its paths below ``folder``."""
        return values.ImageMapping(
            image=self.image,
            entrypoint=self.entrypoint,
            cmd=self.cmd,
            path=tuple(folder / one for one in self.path),
        )


class LogsSection(Document):
    """How large a container's log may grow before it is rotated; one older file is kept."""

    max_bytes: Annotated[int, Field(ge=4096)] = 10 * 1024 * 1024


class NodesDocument(Document):
    """The whole file."""

    provider: Literal["process", "mock"]
    state_dir: Path | None = None
    nodes: tuple[NodeEntry, ...] = ()
    mock: MockSection | None = None
    kubelet: KubeletSection | None = None
    listen: Annotated[str, AfterValidator(_address)] | None = None
    pod_cidr: Annotated[str, Field(alias="podCIDR"), AfterValidator(_pod_cidr)] = "10.244.0.0/16"
    images: tuple[ImageEntry, ...] = ()
    crash_loop_back_off: CrashLoopBackOffSection = CrashLoopBackOffSection()
    logs: LogsSection = LogsSection()
    allow_remote: bool = False

    @model_validator(mode="after")
    def _provider_has_its_section(self) -> Self:
        if self.provider == "process" and (self.state_dir is None or not self.nodes):
            raise ValueError("provider process needs stateDir and at least one entry in nodes")
        if self.provider == "process" and self.mock is not None:
            raise ValueError("mock is for provider mock, not for provider process")
        if self.provider == "mock" and self.mock is None:
            raise ValueError("provider mock needs the section mock")
        if self.provider == "mock" and (self.nodes or self.images):
            raise ValueError("nodes and images are for provider process, not for provider mock")
        if self.mock is not None and self.mock.count is not None and self.kubelet is not None:
            self.kubelet.check_room(self.mock.count)
        names = [node.name for node in self.nodes]
        if repeated := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"nodes has {', '.join(repeated)} more than once")
        return self

    def value(self, folder: Path) -> values.NodesConfig:
        """The configuration as a value: paths below ``folder``, and this agent's part of the pods' addresses."""
        network = IPv4Network(self.pod_cidr)
        return values.NodesConfig(
            provider=self.provider,
            state_dir=None if self.state_dir is None else folder / self.state_dir,
            nodes=tuple(values.NodeIdentity(name=one.name, kubeconfig=folder / one.kubeconfig) for one in self.nodes),
            mock=None if self.mock is None else self.mock.value(folder),
            kubelet=None if self.kubelet is None else self.kubelet.value(folder),
            listen=None if self.listen is None else parse_address(self.listen),
            pod_cidr=network if self.mock is None else self.mock.pod_network(network),
            images=tuple(one.value(folder) for one in self.images),
            crash_loop_back_off=self.crash_loop_back_off.value(),
            log_max_bytes=self.logs.max_bytes,
            allow_remote=self.allow_remote,
        )


def load_nodes_config(path: Path) -> values.NodesConfig:
    """Read and check the file at ``path``.

    Raises:
        ConfigurationError: it cannot be read or does not make sense; names the file and each wrong field.
    """
    return read_document(path, NodesDocument).value(path.absolute().parent)


def nodes_config_from_flags(provider: str, flags: Mapping[str, object]) -> values.NodesConfig:
    """The same from flags of the command line: ``listen``, and those named as the fields of section ``mock`` are.

    Raises:
        ConfigurationError: they do not make sense; names each wrong one.
    """
    section = {to_camel(name): value for name, value in flags.items() if name != "listen"}
    content = {"provider": provider, "podCIDR": ROOMY_CIDR, "listen": flags.get("listen"), "mock": section}
    return checked(content, NodesDocument, what="autox nodes run").value(Path.cwd())
