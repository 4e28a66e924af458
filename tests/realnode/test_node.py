"""A containerd node is a Kubernetes node like any other: pods, network, Services, DNS, logs, exec."""

import json
from pathlib import Path

import pytest

from tests.clusters import wait_for
from tests.integration.objects import Object, config_map
from tests.realnode.conftest import RealCluster, shell
from tests.realnode.images import IMAGE, bring_image

pytestmark = pytest.mark.realnode

NAMESPACE = "restricted"


def labelled(name: str, spec: Object) -> Object:
    """A pod in the namespace that enforces the restricted standard."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": NAMESPACE, "labels": {"app": name}},
        "spec": spec,
    }


def python(program: str) -> Object:
    """The spec of a pod that runs a Python program."""
    spec = shell("")
    spec["containers"][0] |= {"image": IMAGE, "command": ["python3", "-u", "-c", program]}
    return spec


def service(name: str, *, to: str, port: int) -> Object:
    """A Service on port 80."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {"selector": {"app": to}, "ports": [{"port": 80, "targetPort": port}]},
    }


@pytest.fixture(scope="module", autouse=True)
def restricted(real: RealCluster) -> None:
    """A namespace that takes only pods of the restricted standard."""
    bring_image(real)
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    real.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": labels}})
    wait_for("the service account", lambda: real.kubectl("get", "sa", "default", "-n", NAMESPACE, "--ignore-not-found"))


def finished(real: RealCluster, name: str) -> str:
    """The log of a pod once it has succeeded."""
    phase = wait_for(
        f"pod {name} to end",
        lambda: (
            now if (now := real.get("pod", name, "-n", NAMESPACE)["status"]["phase"]) in ("Succeeded", "Failed") else ""
        ),
    )
    log = real.kubectl("logs", name, "-n", NAMESPACE)
    assert phase == "Succeeded", log
    return log


def running(real: RealCluster, name: str) -> None:
    """Wait until a pod is ready."""
    real.kubectl("wait", f"pod/{name}", "-n", NAMESPACE, "--for=condition=Ready", "--timeout=60s")


def test_a_pod_has_its_own_everything(real: RealCluster) -> None:
    """A container has its own process namespace, host name, address and control group."""
    real.apply(labelled("alone", shell("echo pid $$$$; hostname; cat /proc/self/cgroup; ip -4 addr show eth0; id -u")))
    log = finished(real, "alone")

    assert "pid 1\n" in log
    assert "\nalone\n" in log
    assert "kubepods" in log
    assert "inet 100." in log
    assert log.endswith("1000\n")


def test_a_service_leads_to_its_pods_by_name(real: RealCluster) -> None:
    """``http://web.restricted/`` leads to a pod by DNS and kube-proxy, from a neighbour and from the pod itself."""
    serve = (
        "import http.server, os, pathlib\n"
        "os.chdir('/tmp')\n"
        "pathlib.Path('index.html').write_text(os.uname().nodename)\n"
        "http.server.test(http.server.SimpleHTTPRequestHandler, port=8080)"
    )
    ask = (
        "import urllib.request\n"
        "for _ in range(5): print(urllib.request.urlopen('http://web.restricted/', timeout=5).read().decode())"
    )
    real.apply(labelled("web", python(serve)), service("web", to="web", port=8080))
    running(real, "web")
    real.apply(labelled("ask", python(ask)))

    assert finished(real, "ask") == "web\n" * 5
    assert real.kubectl("exec", "web", "-n", NAMESPACE, "--", "python3", "-c", ask) == "web\n" * 5


def test_dns_knows_names_and_says_no(real: RealCluster) -> None:
    """A name that is not there is told at once, not after a time-out."""
    script = "nslookup kubernetes.default.svc.cluster.local; nslookup absent.default.svc.cluster.local; true"
    real.apply(labelled("dns", shell(script)))
    log = finished(real, "dns")

    assert "Name:\tkubernetes.default.svc.cluster.local" in log
    assert "NXDOMAIN" in log


def test_the_api_server_is_a_service(real: RealCluster) -> None:
    """A pod reaches the API server as every client library expects, and is known there by its service account."""
    token = "/var/run/secrets/kubernetes.io/serviceaccount/token"
    script = (
        f"test -s {token} && test -s {token.replace('token', 'ca.crt')} && nc -w 5 kubernetes.default 443 < /dev/null"
        " && echo reached $KUBERNETES_SERVICE_HOST"
    )
    real.apply(labelled("client", shell(script)))

    assert finished(real, "client").startswith("reached 10.")


def test_logs_and_exec(real: RealCluster) -> None:
    """``kubectl logs -f`` follows and ``kubectl exec`` hands over input, output and the exit code."""
    real.apply(labelled("busy", shell("echo one; echo two >&2; exec sleep 600")))
    running(real, "busy")

    assert sorted(real.kubectl("logs", "busy", "-n", NAMESPACE).split()) == ["one", "two"]
    said = real.kubectl("exec", "-i", "busy", "-n", NAMESPACE, "--", "/bin/busybox", "cat", stdin="there and back")
    assert said == "there and back"


def test_volumes(real: RealCluster) -> None:
    """A ConfigMap and an empty directory in memory are mounted, and the mounts stay on the node."""
    spec = shell("cat /in/text && echo more > /memory/file && cat /memory/file")
    spec["containers"][0]["volumeMounts"] += [
        {"name": "in", "mountPath": "/in"},
        {"name": "memory", "mountPath": "/memory"},
    ]
    spec["volumes"] += [
        {"name": "in", "configMap": {"name": "text"}},
        {"name": "memory", "emptyDir": {"medium": "Memory"}},
    ]
    text = config_map("text", text="hello\n")
    text["metadata"]["namespace"] = NAMESPACE
    real.apply(text, labelled("volumes", spec))

    assert finished(real, "volumes") == "hello\nmore\n"
    assert "kubelet" not in Path("/proc/self/mountinfo").read_text()


def test_a_memory_limit_kills(real: RealCluster) -> None:
    """What takes more memory than its limit is killed, and Kubernetes says why."""
    # NB: containerd's shim begins to listen for the kernel's word only after it has started the process: of what takes
    # its memory at once, two in five say "Error" and exit code 137.
    spec = shell("sleep 2; exec dd if=/dev/zero of=/dev/null bs=64M count=1")
    spec["containers"][0]["resources"] = {"limits": {"memory": "16Mi"}}
    real.apply(labelled("greedy", spec))

    def reason() -> str:
        statuses = real.get("pod", "greedy", "-n", NAMESPACE)["status"].get("containerStatuses", [])
        return statuses[0]["state"].get("terminated", {}).get("reason", "") if statuses else ""

    assert wait_for("the container to be killed", reason) == "OOMKilled"


def test_a_privileged_pod_is_refused_there(real: RealCluster) -> None:
    """The namespace does enforce the restricted standard, so what runs in it conforms to it."""
    spec = shell("true")
    spec["containers"][0]["securityContext"] = {"privileged": True}
    with pytest.raises(AssertionError, match="violates PodSecurity"):
        real.apply(labelled("privileged", spec))


def test_an_image_that_is_not_there_is_told(real: RealCluster) -> None:
    """A missing image is an event of the pod with its name; it is loaded by a command and then runs."""
    spec = shell("echo loaded")
    spec["containers"][0] |= {"image": "autox.dev/brought:1", "imagePullPolicy": "Never"}
    real.apply(labelled("brought", spec))

    def reason() -> str:
        statuses = real.get("pod", "brought", "-n", NAMESPACE)["status"].get("containerStatuses", [])
        return statuses[0]["state"].get("waiting", {}).get("reason", "") if statuses else ""

    wait_for("the missing image to be told", lambda: reason() in ("ErrImageNeverPull", "ImagePullBackOff"))
    archive = real.state / "brought.tar"
    real.inside("ctr", "--namespace", "k8s.io", "images", "tag", "--force", "autox.dev/pause:1", "autox.dev/brought:1")
    real.inside("ctr", "--namespace", "k8s.io", "images", "export", str(archive), "autox.dev/brought:1")
    real.inside("ctr", "--namespace", "k8s.io", "images", "rm", "autox.dev/brought:1")
    loaded = real.autox("load", str(archive))

    assert loaded.out == "autox.dev/brought:1\n", loaded.err
    assert finished(real, "brought") == "loaded\n"


def test_a_broken_archive_is_refused(real: RealCluster) -> None:
    """A tar file without images in it is refused by name, and nothing is changed."""
    archive = real.state / "empty.tar"
    archive.write_bytes(bytes(10240))
    done = real.autox("load", str(archive))

    assert done.code != 0
    assert f"containerd did not take {archive}" in done.err


def test_usage_is_measured(real: RealCluster) -> None:
    """The kubelet's own metrics have the CPU time and memory of each container."""
    real.apply(labelled("measured", shell("while true; do :; done")))
    running(real, "measured")

    def seconds() -> float:
        text = real.kubectl("get", "--raw", f"/api/v1/nodes/{real.node}/proxy/metrics/resource")
        lines = [each for each in text.splitlines() if each.startswith("container_cpu_usage_seconds_total")]
        return next((float(each.split()[1]) for each in lines if 'pod="measured"' in each), 0.0)

    assert wait_for("CPU time to be metered", seconds) > 0
    real.kubectl("delete", "pod", "measured", "-n", NAMESPACE, "--now")


def test_status_tells_of_the_node(real: RealCluster) -> None:
    """``autox cluster status`` has the node and its programs' logs can be read."""
    found = real.status()

    assert found["phase"] == "up"
    assert found["nodes"] == {real.node: ""}
    assert "containerdNode" in [each["name"] for each in found["components"]]
    for program in ("containerd", "kubelet", "kubeProxy", "coreDNS", "containerdNode"):
        assert real.autox("logs", program, "--tail", "5").out.strip()
    assert json.loads(real.kubectl("get", "node", real.node, "-o", "json"))["status"]["nodeInfo"][
        "containerRuntimeVersion"
    ].startswith("containerd://")
