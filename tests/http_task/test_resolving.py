"""Where load goes on a process node: to the pods behind a Service, as its EndpointSlices say."""

import asyncio
import os
from typing import Any

import pytest

from autox.kube.auth import from_kubeconfig
from autox.kube.client import KubeClient
from autox.model.errors import ConfigurationError, ForbiddenError, UnreachableError
from autox.model.refs import ENDPOINT_SLICES, SERVICES
from autox.model.tasks import HttpInputs
from autox.tasks.http import run
from autox.tasks.resolving import resolve, service_of
from autox.wire.connecting import Address
from autox.wire.urls import parse_url
from tests.http_task.contexts import context_with, value
from tests.kube.apiserver import ApiServer
from tests.load.conftest import Tls
from tests.load.targets import Seen, Writer, hello, serving

pytestmark = pytest.mark.integration

# Tests of another worker run at the same time, and an address of loopback is somebody's alone.
PODS = f"10.213.{int(os.environ.get('PYTEST_XDIST_WORKER', 'gw0').removeprefix('gw'))}"


@pytest.fixture
async def service(kube: KubeClient, namespace: str) -> str:
    """A Service ``web`` with a numbered and a named port; its namespace."""
    await make_service(kube, namespace, "web")
    return namespace


async def make_service(kube: KubeClient, namespace: str, name: str, **spec: Any) -> None:
    """A Service with two ports, the second one's target named."""
    ports = [
        {"name": "http", "port": 80, "targetPort": 8080},
        {"name": "admin", "port": 81, "targetPort": "admin"},
    ]
    body = {"metadata": {"name": name, "namespace": namespace}, "spec": {"ports": ports} | spec}
    await kube.create(SERVICES, body)


async def make_slice(
    kube: KubeClient, namespace: str, name: str, *ips: str, ready: bool = True, of: str = "web", http: int = 8080
) -> None:
    """An EndpointSlice as the controllers of a cluster make it."""
    body = {
        "metadata": {"name": name, "namespace": namespace, "labels": {"kubernetes.io/service-name": of}},
        "addressType": "IPv4",
        "ports": [{"name": "http", "port": http}, {"name": "admin", "port": 9090}],
        "endpoints": [{"addresses": [ip], "conditions": {"ready": ready}} for ip in ips],
    }
    await kube.create(ENDPOINT_SLICES, body)


async def resolved(kube: KubeClient, namespace: str, url: str) -> list[Address]:
    """Where a load on the URL would go."""
    found = await resolve(parse_url(url), context_with(kube, namespace=namespace, node=True), timeout=5.0)
    assert all(len(each) == 1 for each in found)
    return [each[0] for each in found]


async def test_ready_pods_only(kube: KubeClient, service: str) -> None:
    """Load goes to every ready pod of all slices, each at its loopback twin and on its target port."""
    await make_slice(kube, service, "web-1", f"{PODS}.1", f"{PODS}.2")
    await make_slice(kube, service, "web-2", f"{PODS}.3", ready=False)
    await make_slice(kube, service, "web-3", f"{PODS}.4")
    await make_slice(kube, service, "other-1", f"{PODS}.5", of="other")

    twins = PODS.replace("10.", "127.", 1)
    assert await resolved(kube, service, "http://web/") == [Address(f"{twins}.{each}", 8080) for each in (1, 2, 4)]
    assert await resolved(kube, service, "http://web:81/") == [Address(f"{twins}.{each}", 9090) for each in (1, 2, 4)]


@pytest.mark.parametrize(
    "form",
    ["web.{0}", "web.{0}.svc", "web.{0}.svc.cluster.local", "web.{0}.svc.cluster.local.", "WEB.{0}.Svc.Cluster.LOCAL"],
)
async def test_forms_of_a_name(kube: KubeClient, service: str, form: str) -> None:
    """Every name that a cluster's DNS has for a Service leads to it, from any namespace."""
    await make_slice(kube, service, "web-1", f"{PODS}.1")

    found = await resolved(kube, "default", f"http://{form.format(service)}/")

    assert found == [Address(PODS.replace("10.", "127.", 1) + ".1", 8080)]


@pytest.mark.parametrize("host", ["localhost.", "LocalHost", "LOCALHOST.", "me:pass@localhost."])
async def test_a_certificate_knows_no_final_dot(
    kube: KubeClient, namespace: str, tls: Tls, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    """Cases 07 and 08: a name with a final dot was "not valid for" the certificate that curl takes."""
    monkeypatch.setenv("SSL_CERT_FILE", str(tls.authority))
    await make_service(kube, namespace, "localhost")
    async with serving(hello, tls=tls.server, host=PODS.replace("10.", "127.", 1) + ".9") as target:
        await make_slice(kube, namespace, "localhost-1", f"{PODS}.9", of="localhost", http=target.port)
        inputs = HttpInputs(url=f"https://{host}:80/", qps=100, num_requests=5)
        findings = await run(inputs, context_with(kube, namespace=namespace, node=True))

    assert (value(findings, "request-count"), value(findings, "error-count")) == (5, 0)


@pytest.mark.parametrize("host", ["web_.default", "web.default.svc.", "-web", "1.2.svc", "a.b.c", "xn--bcher-kva"])
def test_what_is_asked_for_is_a_name(host: str) -> None:
    """No Service is asked for by a name that none can have; what can be no host at all is refused before."""
    found = service_of(parse_url(f"http://{host}/"), namespace="own")

    assert found == {"web.default.svc.": ("default", "web"), "1.2.svc": ("2", "1")}.get(host)


async def test_pods_that_are_replaced_in_mid_load(kube: KubeClient, service: str) -> None:
    """A restart under load was a target that refused: the load went on to where the first pods had been."""
    twins, enough = PODS.replace("10.", "127.", 1), asyncio.Event()

    async def answer(seen: Seen, writer: Writer) -> None:
        await hello(seen, writer)
        if seen.number == 10:
            enough.set()

    async with serving(hello, host=f"{twins}.11") as second:
        async with serving(answer, host=f"{twins}.10", port=second.port) as first:
            await make_slice(kube, service, "web-1", f"{PODS}.10", http=second.port)
            inputs = HttpInputs(url="http://web/", qps=50, num_requests=100)
            load = asyncio.create_task(run(inputs, context_with(kube, namespace=service, node=True)))
            await enough.wait()
        await kube.delete(ENDPOINT_SLICES, "web-1", namespace=service)
        await make_slice(kube, service, "web-2", f"{PODS}.11", http=second.port)
        findings = await load

    assert second.requests
    assert value(findings, "answer-count") == len(first.requests) + len(second.requests)


async def test_headless(kube: KubeClient, namespace: str) -> None:
    """Behind a headless Service are the pods' addresses, and the port is the URL's."""
    await make_service(kube, namespace, "web", clusterIP="None")
    await make_slice(kube, namespace, "web-1", f"{PODS}.1")

    assert await resolved(kube, namespace, "http://web:1234/") == [Address(PODS.replace("10.", "127.", 1) + ".1", 1234)]


async def test_external_name(kube: KubeClient, namespace: str) -> None:
    """A Service that is another name of a host leads to that host."""
    body = {"metadata": {"name": "web", "namespace": namespace}, "spec": {"type": "ExternalName"}}
    body["spec"]["externalName"] = "localhost"
    await kube.create(SERVICES, body)
    context = context_with(kube, namespace=namespace, node=True)

    found = await resolve(parse_url("http://web:1234/"), context, timeout=5.0)

    assert Address("127.0.0.1", 1234) in found[0]


async def test_addresses(kube: KubeClient) -> None:
    """A published address leads to its loopback twin, any other address to itself."""
    assert await resolved(kube, "default", "http://10.1.2.3:80/") == [Address("127.1.2.3", 80)]
    assert await resolved(kube, "default", "http://127.0.0.1:81/") == [Address("127.0.0.1", 81)]


async def test_names_of_the_machine(kube: KubeClient) -> None:
    """A name that is no Service is looked up as everywhere."""
    found = await resolve(parse_url("http://localhost:80/"), context_with(kube, node=True), timeout=5.0)

    assert Address("127.0.0.1", 80) in found[0]


async def test_elsewhere_the_system_decides(kube: KubeClient, service: str) -> None:
    """On another node the cluster's own DNS resolves names, and addresses are what they are."""
    context = context_with(kube, namespace=service)

    assert await resolve(parse_url("http://10.1.2.3/"), context, timeout=5.0) == ((Address("10.1.2.3", 80),),)
    with pytest.raises(UnreachableError, match=f"web.{service}.svc"):
        await resolve(parse_url(f"http://web.{service}.svc/"), context, timeout=5.0)


async def test_unknown_name(kube: KubeClient, namespace: str) -> None:
    """A name that is neither a Service nor a host is an error that names it."""
    with pytest.raises(UnreachableError, match=f"nowhere.{namespace}"):
        await resolved(kube, namespace, f"http://nowhere.{namespace}/")


async def test_forbidden_namespace(api_server: ApiServer, service: str) -> None:
    """Where Services may not be read, a name is looked up as everywhere; if that fails, it says why."""
    async with KubeClient(from_kubeconfig(api_server.kubeconfig("nobody", groups=()))) as nobody:
        found = await resolve(parse_url("http://localhost/"), context_with(nobody, node=True), timeout=5.0)
        with pytest.raises(ForbiddenError, match=f"web.{service}.svc") as raised:
            await resolved(nobody, "default", f"http://web.{service}.svc/")

    assert Address("127.0.0.1", 80) in found[0]
    assert "endpointslices" in raised.value.hint


async def test_unknown_port(kube: KubeClient, service: str) -> None:
    """A port that the Service does not have is an error that says which it has."""
    with pytest.raises(ConfigurationError, match="no TCP port 8080") as raised:
        await resolved(kube, service, "http://web:8080/")

    assert "80 (http), 81 (admin)" in raised.value.hint


async def test_no_ready_pod(kube: KubeClient, service: str) -> None:
    """A Service without a ready pod is a finding: every request is an error, and nothing has a latency."""
    await make_slice(kube, service, "web-1", f"{PODS}.1", ready=False)
    inputs = HttpInputs(url="http://web/", num_requests=50)

    findings = await run(inputs, context_with(kube, namespace=service, node=True))

    assert (value(findings, "request-count"), value(findings, "error-count")) == (50, 50)
    assert value(findings, "latency-p99") is None
    assert [note.text for note in findings.notes] == [
        "50 of 50 requests were never sent: the Service web has no ready pod"
    ]


async def test_load_on_pods(kube: KubeClient, service: str) -> None:
    """Load on a Service reaches its pods, and the Host header is the URL's."""
    async with serving(hello, host=f"{PODS}.7".replace("10.", "127.", 1)) as target:
        await make_slice(kube, service, "web-1", f"{PODS}.7", http=target.port)
        inputs = HttpInputs(url=f"http://web.{service}/get", qps=200, num_requests=20)

        findings = await run(inputs, context_with(kube, node=True))

    assert value(findings, "error-count") == 0
    assert f"\r\nHost: web.{service}\r\n".encode() in target.requests[0]
