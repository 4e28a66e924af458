"""Where the metrics of each part of a control plane are: those of a local cluster of autox, and of any API server.

A local cluster's controller manager, scheduler and etcd listen on its loopback block, and answer its administrator.
Those of any other cluster answer nobody whom a kubeconfig makes us: they are absent, and the figures say so.
"""

import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

from autox.cluster.administrator import BODY_LIMIT, Administrator
from autox.cluster.home import clusters_root, home
from autox.cluster.state import read_state
from autox.kube.client import KubeClient
from autox.kube.transport import Limits
from autox.model.density import DensityInputs
from autox.model.errors import AutoxError, NotFoundError
from autox.tasks.density.course.components import API_SERVER, CONTROLLER_MANAGER, ETCD, SCHEDULER
from autox.wire.failures import ExchangeError

_LISTENERS = {
    CONTROLLER_MANAGER: ("controllerManager", "https"),
    SCHEDULER: ("scheduler", "https"),
    ETCD: ("etcd-metrics", "http"),
}
_NONE = "it serves none: does it run with --profiling=false?"
_UNLESS = "it serves none unless it is told to, at a price: autox cluster up --set etcd.flags.enable-pprof=true"
_ELSEWHERE = "only that of a local cluster can be read, which cluster names"


class UnreadableError(Exception):
    """A component's metrics could not be read; the text says why."""


Source = Callable[[], Awaitable[str]]
"""Reads a component's metrics; raises UnreadableError."""


Profiles = Callable[[str, Mapping[str, str], float], Awaitable[bytes]]
"""Asks a component for a profile: path, query, seconds that it may take; raises UnreadableError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """What can be read of a control plane.

    Attributes:
        found: by component.
        absent: why the others cannot be read, by component.
        profiles: of those that can be read, by component.
    """

    found: Mapping[str, Source]
    absent: Mapping[str, str]
    profiles: Mapping[str, Profiles] = field(default_factory=dict)


def sources(kube: KubeClient, inputs: DensityInputs, environ: Mapping[str, str]) -> Sources:
    """The components of the cluster under test.

    Args:
        kube: of it.
        inputs: of the run, which name it.
        environ: the variables of the run.
    """
    api_server, profiles = _of_api_server(kube), _profiles_of_api_server(kube)
    place = home(inputs.cluster, root=clusters_root(environ)) if inputs.cluster else None
    state = read_state(place) if place is not None else None
    if place is None or state is None:
        absent = dict.fromkeys(_LISTENERS, _ELSEWHERE)
        return Sources(found={API_SERVER: api_server}, absent=absent, profiles={API_SERVER: profiles})
    administrator = Administrator(place)
    urls = {name: state.network.url(listener, scheme=scheme) for name, (listener, scheme) in _LISTENERS.items()}
    found = {name: _of(administrator, f"{url}/metrics") for name, url in urls.items()}
    beside = {name: profiles_of(administrator, url) for name, url in urls.items() if name != ETCD}
    # NB: etcd serves them where it serves its clients, whom it knows by certificates of its own authority.
    client = Administrator(place, authority="etcd-ca", identity="etcd-client")
    of_etcd = profiles_of(client, state.network.url("etcd"), none=_UNLESS)
    return Sources(
        found={API_SERVER: api_server, **found}, absent={}, profiles={API_SERVER: profiles, **beside, ETCD: of_etcd}
    )


def _of_api_server(kube: KubeClient) -> Source:
    async def read() -> str:
        try:
            return (await kube.read("/metrics")).decode()
        except AutoxError as error:
            raise UnreadableError(error.message) from error
        except ValueError as error:
            raise UnreadableError(f"{kube.server}/metrics is no text") from error

    return read


def _of(administrator: Administrator, url: str) -> Source:
    async def read() -> str:
        try:
            answer = await administrator.get(url)
        except (ExchangeError, TimeoutError, OSError, ssl.SSLError) as error:
            raise UnreadableError(f"{url} does not answer") from error
        if answer.status != 200:
            raise UnreadableError(f"{url} answers HTTP {answer.status}")
        try:
            return answer.body.decode()
        except ValueError as error:
            raise UnreadableError(f"{url} is no text") from error

    return read


def _profiles_of_api_server(kube: KubeClient) -> Profiles:
    async def read(path: str, query: Mapping[str, str], seconds: float) -> bytes:
        limits = Limits(answer_bytes=BODY_LIMIT, request_seconds=seconds)
        try:
            async with KubeClient(kube.connection, limits=limits) as client:
                return await client.read(path, params=query)
        except NotFoundError as error:
            raise UnreadableError(_NONE) from error
        except AutoxError as error:
            raise UnreadableError(error.message) from error

    return read


def profiles_of(administrator: Administrator, url: str, *, none: str = _NONE) -> Profiles:
    """The profiles of a component of a local cluster.

    Args:
        administrator: whom it answers.
        url: where it is.
        none: what it means that it has none.
    """

    async def read(path: str, query: Mapping[str, str], seconds: float) -> bytes:
        try:
            answer = await administrator.get(f"{url}{path}?{urlencode(query)}", seconds=seconds)
        except (ExchangeError, OSError, ssl.SSLError) as error:
            raise UnreadableError(f"{url}{path} does not answer") from error
        if answer.status == 404:
            raise UnreadableError(none)
        if answer.status != 200:
            raise UnreadableError(f"{url}{path} answers HTTP {answer.status}")
        return answer.body

    return read
