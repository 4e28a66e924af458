"""`autox report` on the experiments of a cluster, through a real API server."""

import asyncio
import base64
import json
from dataclasses import replace
from pathlib import Path

import pytest

from autox.api.experiments import object_from_record
from autox.api.results import compact, object_from_result, result_from_object, result_to_gzip
from autox.kube.client import KubeClient
from autox.model.refs import EXPERIMENTS, SECRETS
from autox.model.result import ExperimentResult
from autox.report.document import document
from autox.report.html import to_html
from autox.report.text import to_text
from tests.clusters import Done
from tests.inside import autox
from tests.kube.apiserver import ApiServer
from tests.report.samples import failed, huge, passed
from tests.running.release import define, record_of

pytestmark = pytest.mark.integration


async def record(
    kube: KubeClient, namespace: str, name: str, result: ExperimentResult | None = None, *, group: str = "shop"
) -> None:
    """Make an experiment's record, with a small result in its status."""
    made = record_of(namespace, name)
    made = replace(made, identity=replace(made.identity, group_namespace=namespace, group=group))
    await kube.create(EXPERIMENTS, object_from_record(made))
    if result is not None:
        body = {"status": {"result": object_from_result(result)}}
        await kube.patch(EXPERIMENTS, name, body, namespace=namespace, subresource="status")


@pytest.fixture
async def server(kube: KubeClient, api_server: ApiServer) -> ApiServer:
    """An API server that knows our kinds."""
    async with asyncio.timeout(30):
        await define(kube)
    return api_server


async def report(server: ApiServer, *argv: str) -> Done:
    """Run ``autox report ARGV…`` against the cluster."""
    return await asyncio.to_thread(autox, "report", *argv, environ={"KUBECONFIG": str(server.kubeconfig())})


def kept(result: ExperimentResult) -> ExperimentResult:
    """A result as it comes back from where it was stored."""
    return result_from_object(json.loads(json.dumps(object_from_result(result))))


async def test_named(kube: KubeClient, server: ApiServer, namespace: str, tmp_path: Path) -> None:
    """An experiment's report is shown by its name, in each form; a verdict of Fail is no failure of the report."""
    await record(kube, namespace, "shop-load-1", failed())
    page = tmp_path / "report.html"

    text = await report(server, "shop-load-1", "-n", namespace)
    html = await report(server, "shop-load-1", "-n", namespace, "-o", "html", "--to", str(page))
    data = await report(server, "shop-load-1", "-n", namespace, "-o", "json")

    assert (text.code, text.out) == (0, to_text(document(kept(failed()))))
    assert (html.code, html.out) == (0, "")
    assert page.read_text(encoding="utf-8") == to_html(document(kept(failed())))
    assert json.loads(data.out) == object_from_result(failed())


async def test_newest(kube: KubeClient, server: ApiServer, namespace: str) -> None:
    """Without a name the newest experiment that has a result is shown, of one group if it is named."""
    await record(kube, namespace, "shop-load-1", failed())
    await record(kube, namespace, "other-load-1", passed(), group="other")

    shop, other = [await report(server, "-n", namespace, "-g", group) for group in ("shop", "other")]

    assert shop.out.startswith("Fail  ")
    assert other.out.startswith("Pass  ")
    assert "newer" not in shop.out + other.out


@pytest.mark.parametrize(
    ("status", "said"),
    [
        pytest.param({}, "Pending", id="not launched"),
        pytest.param(
            {"phase": "Running", "reason": "PodWaiting", "message": "the pod of shop-load-2 does not start"},
            "Running: PodWaiting: the pod of shop-load-2 does not start",
            id="its pod does not start",
        ),
        pytest.param(
            {"phase": "Completed", "verdict": "Error", "reason": "ChartInvalid", "message": "it cannot be launched"},
            "Completed: ChartInvalid: it cannot be launched",
            id="it cannot be launched",
        ),
        pytest.param({"phase": "Deleted", "reason": "NewVersion"}, "Deleted", id="it was deleted before its end"),
    ],
)
async def test_newer_without_result(
    kube: KubeClient, server: ApiServer, namespace: str, tmp_path: Path, *, status: dict[str, str], said: str
) -> None:
    """A newer experiment without a result was passed over in silence, as if its version had that of the one before."""
    await record(kube, namespace, "shop-load-1", failed())
    await record(kube, namespace, "shop-load-2")
    await kube.patch(EXPERIMENTS, "shop-load-2", {"status": status}, namespace=namespace, subresource="status")
    page = tmp_path / "report.html"

    text = await report(server, "-n", namespace, "-g", "shop")
    data = await report(server, "-n", namespace, "-g", "shop", "-o", "json")
    await report(server, "-n", namespace, "-g", "shop", "--to", str(page))

    notice = "This is experiment shop-load-1, of version 1.10. A newer one, shop-load-2, of version 1.10, has no result"
    for shown in (text.out, data.err, page.read_text()):
        assert notice in " ".join(shown.split())
        assert said in " ".join(shown.split())
    assert max(map(len, text.out.splitlines())) <= 80
    assert json.loads(data.out) == object_from_result(failed())


async def test_large(kube: KubeClient, server: ApiServer, namespace: str) -> None:
    """A result too large for the record is read from the Secret beside it, buckets and history included."""
    await record(kube, namespace, "shop-load-1", compact(huge()))
    secret = {"metadata": {"name": "shop-load-1-result"}}
    data = {"result.json.gz": base64.b64encode(result_to_gzip(huge())).decode()}
    await kube.create(SECRETS, {**secret, "data": data}, namespace=namespace)
    status = {"status": {"resultSecret": "shop-load-1-result"}}
    await kube.patch(EXPERIMENTS, "shop-load-1", status, namespace=namespace, subresource="status")

    done = await report(server, "shop-load-1", "-n", namespace)

    assert done.out == to_text(document(kept(huge())))
    assert "████" in done.out


async def test_nothing_to_show(kube: KubeClient, server: ApiServer, namespace: str) -> None:
    """Where there is nothing to show, it says what to do: exit 3, and no page is written."""
    await record(kube, namespace, "shop-load-1")
    unknown = await report(server, "shop-load-2", "-n", namespace)
    early = await report(server, "shop-load-1", "-n", namespace)
    none = await report(server, "-n", namespace)

    for done, words in ((unknown, "no experiment shop-load-2"), (early, "has no result yet"), (none, "has a result")):
        assert (done.code, done.out) == (3, "")
        assert words in done.err
        assert "hint: " in done.err


async def test_spoilt(kube: KubeClient, server: ApiServer, namespace: str) -> None:
    """A result that somebody edited into nonsense is refused in words."""
    await record(kube, namespace, "shop-load-1")
    body = {"status": {"result": {"apiVersion": "autox.dev/v1alpha1", "kind": "ExperimentResult", "tasks": 7}}}
    await kube.patch(EXPERIMENTS, "shop-load-1", body, namespace=namespace, subresource="status")
    done = await report(server, "shop-load-1", "-n", namespace)

    assert done.code == 3
    assert "tasks" in done.err
    assert "Traceback" not in done.err
