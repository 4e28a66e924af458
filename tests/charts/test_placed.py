"""Pods with everything their users say of them, on a real control plane with two nodes."""

import datetime as dt
import http.server
import json
import ssl
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from threading import Thread
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from autox.cluster.identities import Identity
from autox.cluster.pki import Pki
from tests.charts.rendering import AUTOX, Object, helm
from tests.clusters import LIGHTLY, LocalCluster, wait_for

pytestmark = pytest.mark.integration

ZONE = "Asia/Kolkata"
PLACED: Object = {
    "nodeSelector": {"disk": "ssd"},
    "tolerations": [{"key": "dedicated", "operator": "Equal", "value": "load", "effect": "NoSchedule"}],
    "affinity": {
        "nodeAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": {
                "nodeSelectorTerms": [{"matchExpressions": [{"key": "rack", "operator": "In", "values": ["12"]}]}]
            }
        }
    },
    "priorityClassName": "load",
    "podLabels": {"team": "shop"},
    "podAnnotations": {"note": "a: {b}"},
    "imagePullSecrets": [{"name": "registry"}],
    # NB: Python tells on standard error what it imports, if this says so.
    "env": [{"name": "PYTHONPROFILEIMPORTTIME", "valueFrom": {"configMapKeyRef": {"name": "corp", "key": "profile"}}}],
}


class Quiet(http.server.BaseHTTPRequestHandler):
    """Answers, and says nothing."""

    def do_GET(self) -> None:
        """Answer."""
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def target(tmp_path: Path) -> Iterator[tuple[str, str]]:
    """A TLS server on loopback: its URL, and the certificate of an authority that no machine knows."""
    pki = Pki(tmp_path)
    pki.ensure([Identity(file="web", common_name="web", names=("127.0.0.1",))], now=dt.datetime.now(dt.UTC))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(pki.certificate("web"), pki.key("web"))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet)
    server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"https://127.0.0.1:{server.server_address[1]}/", pki.certificate("ca").read_text()
    server.shutdown()
    thread.join()
    server.server_close()


def due() -> str:
    """The schedule of the minute that has just begun, as the clocks of another place show it, and of no other."""
    now = dt.datetime.now(ZoneInfo(ZONE))
    return f"{now.minute} {now.hour} {now.day} {now.month} *"


def catch_up(cluster: LocalCluster, spec: str) -> None:
    """Let the controller manager find that what was due a moment ago was not run, as when it was away meanwhile."""
    look = partial(cluster.kubectl, "get", "cronjobs", "-o", "name")
    name = wait_for("a CronJob", look).strip()
    assert spec in name
    last = (dt.datetime.now(dt.UTC) - dt.timedelta(minutes=5)).strftime("%Y-%m-%dT%H:%M:%SZ")
    patch = json.dumps({"status": {"lastScheduleTime": last}})
    cluster.kubectl("patch", name, "--subresource=status", "--type=merge", "-p", patch)


def config_map(name: str, data: dict[str, str], **labels: str) -> Object:
    """A ConfigMap in namespace default."""
    metadata = {"name": name, "namespace": "default", "labels": labels}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def test_a_story_of_two_nodes(own_cluster: LocalCluster, target: tuple[str, str], tmp_path: Path) -> None:
    """Pods run where, as what and with what they are told to; nobody could say it, and a company's https was Fail."""
    url, authority = target
    cluster = own_cluster
    cluster.up("--nodes", "2", *LIGHTLY)
    first, second = [each["metadata"]["name"] for each in cluster.get("nodes")["items"]]
    cluster.kubectl("label", "node", first, "disk=ssd", "rack=12")
    cluster.kubectl("taint", "node", first, "dedicated=load:NoSchedule")
    cluster.kubectl("create", "priorityclass", "load", "--value=1000")
    cluster.apply(config_map("corp", {"all.pem": authority, "profile": "1"}))
    cluster.kubectl("create", "secret", "generic", "corp", f"--from-literal=ca.crt={authority}")
    load = {
        "tasks": ["http", "assess"],
        "http": {"url": url, "numRequests": 5, "qps": 50},
        "assess": {"SLOs": {"upper": {"http/error-count": 0}}},
    }
    loops = {"runner": "cronjob", "cronjobSchedule": due(), "timeZone": ZONE, "caBundle": {"secret": "corp"}}
    specs = {
        "placed": {**load, **PLACED, "caBundle": {"configMap": "corp", "key": "all.pem"}},
        "strange": load,
        "loops": {**load, **loops},
    }
    group = {
        "trigger": {"version": "v1", "resource": "configmaps", "namespace": "default", "name": "app"},
        "optIn": "none",
        "concurrency": "parallel",
        "specs": {name: {"name": "experiment", "values": values} for name, values in specs.items()},
    }
    own = {"nodeSelector": {"kubernetes.io/hostname": second}, "podLabels": {"team": "platform"}}
    values = {"groups": {"app": group}, "caBundle": {"configMap": "corp", "key": "all.pem"}, **own}
    done = helm(cluster, "install", "autox", AUTOX, values=values, folder=tmp_path)
    assert done.code == 0, done.err
    cluster.apply(config_map("app", {}, **{"app.kubernetes.io/version": "1"}))
    cluster.kubectl("rollout", "status", "deployment/autox", "--timeout=60s")
    [controller] = cluster.get("pods", "-l", "team=platform")["items"]
    assert controller["spec"]["nodeName"] == second

    assert _verdict(cluster, "placed")["verdict"] == "Pass"
    [pod] = cluster.get("pods", "-l", "team=shop")["items"]
    assert (pod["spec"]["nodeName"], pod["spec"]["priority"]) == (first, 1000)
    assert pod["metadata"]["annotations"]["note"] == "a: {b}"
    assert pod["spec"]["imagePullSecrets"] == [{"name": "registry"}]
    assert "import time:" in cluster.kubectl("logs", pod["metadata"]["name"])
    strange = _verdict(cluster, "strange")
    assert (strange["verdict"], "TLS failed" in json.dumps(strange)) == ("Fail", True)
    catch_up(cluster, "loops")
    assert _verdict(cluster, "loops")["verdict"] == "Pass"

    wrong = '{"spec": {"specs": {"loops": {"values": {"timeZone": "Europe/Berln"}}}}}'
    cluster.kubectl("patch", "xg", "app", "--type=merge", "-p", wrong)
    told = "spec.specs.loops.values.timeZone: must be the name of a time zone, such as Europe/Berlin"
    wait_for("a word on the time zone", lambda: told in json.dumps(cluster.get("xg", "app")["status"]))


def _verdict(cluster: LocalCluster, spec: str, *, seconds: float = 60) -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        for each in cluster.get("xp")["items"]:
            status: dict[str, Any] = each.get("status", {})
            if each["spec"]["spec"] == spec and status.get("verdict"):
                return status
        return None

    return wait_for(f"a verdict of {spec}", look, seconds=seconds)
