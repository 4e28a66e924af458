"""Clusters by name: side by side, changed, read back."""

import json
import os
import shlex
import ssl
import stat
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from autox.cluster.binaries.progress import Silent
from autox.cluster.binaries.providing import provide
from autox.cluster.binaries.settings import BinarySettings
from autox.cluster.binaries.tools import Tool
from tests.clusters import LocalCluster, run
from tests.integration.objects import pod, shell

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def changing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCluster]:
    """A cluster, not yet up, that one test of this module after the other changes, or takes down."""
    cluster = LocalCluster(name="own", state=tmp_path_factory.mktemp("state"))
    try:
        yield cluster
    finally:
        cluster.down()


def test_programs_stay(changing: LocalCluster) -> None:
    """A plain ``up`` goes on with the etcd that the cluster was brought up with: it ended it for an older one."""
    settings = BinarySettings.from_environment(os.environ)
    real = provide([Tool.ETCD], settings=settings, progress=Silent())[Tool.ETCD].path
    mine = changing.state / "mine"
    mine.mkdir(parents=True)
    (mine / "etcd").write_text(
        f'#!/bin/sh\n[ "$1" = --version ] && echo "etcd Version: 3.7.3" && exit 0\nexec {real} "$@"\n'
    )
    (mine / "etcd").chmod(0o755)
    environ = {**changing.environ, "AUTOX_BINARIES": str(mine)}
    first = run(*changing.command("up", "--nodes", "0"), environ=environ)
    assert first.code == 0, first.err
    pid = changing.pids()["etcd"]

    changing.up()
    assert changing.pids()["etcd"] == pid
    assert changing.status()["versions"]["etcd"] == "v3.7.3"

    (mine / "etcd").rename(mine / "gone")
    refused = changing.autox("up")
    assert refused.code == 2
    assert "was written by etcd v3.7.3, and etcd v3.6" in refused.err
    assert changing.pids()["etcd"] == pid
    assert changing.status()["phase"] == "up"
    (mine / "gone").rename(mine / "etcd")


def test_bad_flag_is_told(changing: LocalCluster) -> None:
    """A component that refuses its flag is named, with its last words and its log; taking the flag back heals."""
    done = changing.autox("up", "--nodes", "0", "--set", "scheduler.flags.no-such-flag=1")

    assert done.code == 3
    assert "scheduler ended before it was ready" in done.err
    assert "no-such-flag" in done.err
    assert str(changing.home.log("scheduler")) in done.err
    assert "Traceback" not in done.err

    # NB: etcd names the flag first and prints its usage after that.
    done = changing.autox("up", "--set", "scheduler.flags.no-such-flag=", "--set", "etcd.flags.quota-backend-bytes=x")
    assert done.code == 3
    assert 'invalid value "x" for flag -quota-backend-bytes' in done.err
    assert "grpc-proxy" not in done.err

    changing.up("--set", "etcd.flags.quota-backend-bytes=")
    assert changing.status()["phase"] == "up"


def metrics(cluster: LocalCluster) -> str:
    """The metrics of the running API server."""
    return cluster.kubectl("get", "--raw", "/metrics")


def metric(text: str, name: str) -> float:
    """The sum over all series of a metric."""
    return sum(float(line.rpartition(" ")[2]) for line in text.splitlines() if line.startswith(name))


def test_changed_flag_is_in_effect(changing: LocalCluster) -> None:
    """A flag and a variable given with --set are in effect, as the running API server itself tells."""
    changing.up("--nodes", "0")
    before = metrics(changing)
    pids = changing.pids()

    changing.up(
        "--set",
        "apiServer.flags.max-requests-inflight=37",
        "--set",
        "apiServer.flags.max-mutating-requests-inflight=13",
        "--set",
        "apiServer.env.GOGC=61",
    )

    after = metrics(changing)
    seats = "apiserver_flowcontrol_nominal_limit_seats{"
    assert metric(before, seats) > 500
    # NB: each priority level is given its share of the 50 seats, rounded up.
    assert 50 <= metric(after, seats) <= 60
    assert metric(before, "go_gc_gogc_percent") == 100
    assert metric(after, "go_gc_gogc_percent") == 61
    now = changing.pids()
    assert {name for name in pids if pids[name] != now[name]} == {"apiServer"}


def test_nodes_are_counted(changing: LocalCluster) -> None:
    """A cluster can be given more nodes, and fewer: the others go with their pods, which were "Running" for minutes."""
    changing.up("--nodes", "2")
    assert changing.kubectl("get", "nodes", "-o", "name").split() == ["node/own-node-0", "node/own-node-1"]
    bound = [pod(f"on-{node}", shell("exec sleep 1000"), nodeName=f"own-node-{node}") for node in (0, 1)]
    changing.apply(*bound)
    changing.kubectl("wait", "pod/on-0", "pod/on-1", "--for=condition=Ready", "--timeout=60s")

    done = changing.up("--nodes", "1")

    assert "removed, with their pods: own-node-1" in done.err
    assert changing.status()["nodes"] == {"own-node-0": ""}
    assert changing.kubectl("get", "nodes,pods", "-o", "name").split() == ["node/own-node-0", "pod/on-0"]
    changing.kubectl("delete", "pod", "on-0", "--now")


def kind(plural: str) -> dict[str, Any]:
    """A custom resource of category lakes."""
    names = {"plural": plural, "kind": plural.capitalize(), "categories": ["lakes"]}
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.example.com"},
        "spec": {"group": "example.com", "scope": "Cluster", "names": names, "versions": [version]},
    }


def test_a_new_cluster_is_not_taken_for_the_old_one(changing: LocalCluster, tmp_path: Path) -> None:
    """In a shell set up as told, kubectl knows what this cluster serves, whatever was at its address an hour ago."""
    shell = f'eval "$({shlex.join(changing.command("env"))})"; exec kubectl "$@"'
    environ = {**os.environ, "HOME": str(tmp_path), "XDG_STATE_HOME": str(changing.state)}
    servers, found = list[str](), list[str]()
    for plural in ("ponds", "meres"):
        if servers:
            changing.down()
        changing.up("--nodes", "0")
        changing.apply(kind(plural))
        changing.kubectl("wait", "--for=condition=Established", f"crd/{plural}.example.com")
        one = {"apiVersion": "example.com/v1", "kind": plural.capitalize(), "metadata": {"name": "first"}}
        # NB: by kubectl, which then asks anew what is served; it may have remembered that before this was.
        changing.kubectl("apply", "-f", "-", stdin=json.dumps(one))
        done = run("/bin/sh", "-c", shell, "kubectl", "get", "lakes", "-o", "name", environ=environ)
        servers.append(changing.status()["server"])
        found.append(done.out.strip() or done.err)

    assert servers[0] == servers[1]
    assert found == ["ponds.example.com/first", "meres.example.com/first"]


def test_side_by_side(cluster: LocalCluster, changing: LocalCluster) -> None:
    """Two clusters do not see each other: not their objects, not their nodes, not their credentials."""
    changing.up("--nodes", "1")
    cluster.kubectl("create", "namespace", "only-in-shared")

    here, there = changing.status(), cluster.status()
    assert here["server"] != there["server"]
    assert "only-in-shared" not in changing.kubectl("get", "namespaces")
    assert changing.kubectl("get", "nodes", "-o", "name").split() == ["node/own-node-0"]
    assert not set(changing.pids().values()) & set(cluster.pids().values())

    request = urllib.request.Request(f"{there['server']}/api/v1/namespaces")
    context = ssl.create_default_context(cafile=str(cluster.home.pki / "ca.crt"))
    context.load_cert_chain(changing.home.pki / "admin.crt", changing.home.pki / "admin.key")
    with pytest.raises((urllib.error.HTTPError, OSError)):
        urllib.request.urlopen(request, context=context, timeout=10)

    changing.down()
    assert cluster.status()["phase"] == "up"
    cluster.kubectl("delete", "namespace", "only-in-shared")


def test_a_shell_is_given_back(cluster: LocalCluster) -> None:
    """``env --unset`` takes back what ``env`` gave, and leaves alone what means another cluster by now."""
    autox, programs = shlex.join(cluster.command("env")), cluster.home.programs
    script = (
        f'before=$(env | sort); eval "$({autox})"; test "$(command -v kubectl)" = "{programs}/kubectl" || exit 7; '
        f'eval "$({autox} --unset)"; test "$before" = "$(env | sort)" || exit 8; '
        f'eval "$({autox})"; export KUBECONFIG=/mine; eval "$({autox} --unset)"; echo "$KUBECONFIG"'
    )
    bare = {name: value for name, value in cluster.environ.items() if name not in {"_", *cluster.home.variables}}
    done = run("/bin/bash", "--norc", "-c", script, environ=bare)

    assert (done.code, done.out) == (0, "/mine\n"), done.err


def test_private(cluster: LocalCluster) -> None:
    """Nobody but the owner can look into the state directory."""
    assert stat.S_IMODE(cluster.home.directory.stat().st_mode) == 0o700
    keys = [Path(folder) / file for folder, _, files in os.walk(cluster.home.pki) for file in files]
    assert keys
    assert {stat.S_IMODE(key.stat().st_mode) for key in keys} == {0o600}


def test_etcd_is_closed(cluster: LocalCluster) -> None:
    """Another user of the machine cannot read Secrets out of etcd, not with a certificate of the cluster either."""
    context = ssl.create_default_context(cafile=str(cluster.home.pki / "etcd-ca.crt"))
    url = f"https://{cluster.status()['components'][0]['address']}/version"
    with pytest.raises(OSError, match=r"(?i)certificate required|reset|EOF"):
        urllib.request.urlopen(url, context=context, timeout=10).read()

    context.load_cert_chain(cluster.home.pki / "admin.crt", cluster.home.pki / "admin.key")
    with pytest.raises(OSError, match=r"(?i)unknown ca|bad certificate|reset|EOF"):
        urllib.request.urlopen(url, context=context, timeout=10).read()


def test_kubeconfig_stands_alone(cluster: LocalCluster, tmp_path: Path) -> None:
    """The printed kubeconfig works from anywhere, and --path says where it is kept."""
    copied = tmp_path / "kubeconfig"
    copied.write_text(cluster.autox("kubeconfig").out)

    assert "shared-node-0" in cluster.kubectl("--kubeconfig", str(copied), "get", "nodes")
    assert cluster.autox("kubeconfig", "--path").out.strip() == str(cluster.home.kubeconfig)


def test_logs(cluster: LocalCluster) -> None:
    """The log of each component can be read."""
    assert "Serving securely" in cluster.autox("logs", "apiServer", "--tail", "100000").out
    assert len(cluster.autox("logs", "controllerManager", "--tail", "3").out.splitlines()) == 3


@pytest.mark.parametrize("verb", ["kubeconfig", "logs"])
def test_cluster_that_is_not_there(own_cluster: LocalCluster, verb: str) -> None:
    """Asking for something of a cluster that does not exist says so and how to get one."""
    done = own_cluster.autox(verb, *(["etcd"] if verb == "logs" else []))

    assert done.code == 3
    assert done.err.splitlines()[0] == "error: there is no cluster own"
    assert "autox cluster up --name own" in done.err


def test_down_of_nothing(own_cluster: LocalCluster) -> None:
    """Taking down what is not there is no error."""
    assert "nothing to do" in own_cluster.down().out
