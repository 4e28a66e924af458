"""Where the metrics of each part of a control plane are: those of a local cluster of autox, and of any API server.

A local cluster's controller manager, scheduler and etcd listen on its loopback block, and answer its administrator.
Those of any other cluster answer nobody whom a kubeconfig makes us: they are absent, and the figures say so.
"""

import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from autox.cluster.administrator import Administrator
from autox.cluster.home import clusters_root, home
from autox.cluster.state import read_state
from autox.kube.client import KubeClient
from autox.model.density import DensityInputs
from autox.model.errors import AutoxError
from autox.tasks.density.course.components import API_SERVER, CONTROLLER_MANAGER, ETCD, SCHEDULER
from autox.wire.failures import ExchangeError

_LISTENERS = {
    CONTROLLER_MANAGER: ("controllerManager", "https"),
    SCHEDULER: ("scheduler", "https"),
    ETCD: ("etcd-metrics", "http"),
}
_ELSEWHERE = "only that of a local cluster can be read, which cluster names"


class UnreadableError(Exception):
    """A component's metrics could not be read; the text says why."""


Source = Callable[[], Awaitable[str]]
"""Reads a component's metrics; raises UnreadableError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """What can be read of a control plane.

    Attributes:
        found: by component.
        absent: why the others cannot be read, by component.
    """

    found: Mapping[str, Source]
    absent: Mapping[str, str]


def sources(kube: KubeClient, inputs: DensityInputs, environ: Mapping[str, str]) -> Sources:
    """The components of the cluster under test.

    Args:
        kube: of it.
        inputs: of the run, which name it.
        environ: the variables of the run.
    """
    api_server = _of_api_server(kube)
    place = home(inputs.cluster, root=clusters_root(environ)) if inputs.cluster else None
    state = read_state(place) if place is not None else None
    if place is None or state is None:
        return Sources(found={API_SERVER: api_server}, absent=dict.fromkeys(_LISTENERS, _ELSEWHERE))
    administrator = Administrator(place)
    urls = {name: state.network.url(listener, scheme=scheme) for name, (listener, scheme) in _LISTENERS.items()}
    found = {name: _of(administrator, f"{url}/metrics") for name, url in urls.items()}
    return Sources(found={API_SERVER: api_server, **found}, absent={})


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
