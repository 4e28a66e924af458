"""Jobs, CronJobs and Deployments on the process node, driven by the real controller manager and scheduler."""

from collections.abc import Iterator

import pytest

from tests.clusters import LocalCluster, run, wait_for
from tests.integration.objects import Object, deployment, job, pod, python, shell

pytestmark = pytest.mark.integration

SERVER = """
import http.server, os, signal, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if os.environ['VERSION'] != 'broken' else 500)
        self.end_headers()
    def log_message(self, *args): pass
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
http.server.HTTPServer((os.environ['POD_IP'], 8080), Handler).serve_forever()
"""


@pytest.fixture(scope="module", autouse=True)
def cron_job(cluster: LocalCluster) -> Iterator[str]:
    """A CronJob of each minute, made first so that its minute passes while the other tests run."""
    once = job("unused", shell("echo fired"))["spec"]
    body: Object = {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": {"name": "minutely"},
        "spec": {"schedule": "* * * * *", "jobTemplate": {"spec": once}},
    }
    cluster.apply(body)
    yield "minutely"
    cluster.kubectl("delete", "cronjob", "minutely")


def server(version: str) -> Object:
    """A container that serves HTTP and is ready when it answers 200."""
    return python(
        SERVER,
        env=[
            {"name": "VERSION", "value": version},
            {"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
        ],
        readinessProbe={"httpGet": {"path": "/", "port": 8080}, "periodSeconds": 1, "failureThreshold": 1},
    )


def pods_of(cluster: LocalCluster, app: str) -> list[Object]:
    """The pods with the label app=APP."""
    found: list[Object] = cluster.get("pods", "-l", f"app={app}")["items"]
    return found


def test_job_completes(cluster: LocalCluster) -> None:
    """A Job runs to Complete, its pod ends with exit code 0 and its output can be read."""
    cluster.apply(job("good", shell("echo to stdout; echo to stderr >&2")))
    cluster.kubectl("wait", "job/good", "--for=condition=Complete", "--timeout=60s")

    (only,) = cluster.get("pods", "-l", "batch.kubernetes.io/job-name=good")["items"]
    assert only["status"]["phase"] == "Succeeded"
    assert only["status"]["containerStatuses"][0]["state"]["terminated"]["exitCode"] == 0
    assert sorted(cluster.kubectl("logs", "job/good").splitlines()) == ["to stderr", "to stdout"]


def test_job_fails(cluster: LocalCluster) -> None:
    """A Job that fails is tried backoffLimit times more, each pod telling its exit code, then fails."""
    cluster.apply(job("bad", shell("echo giving up; exit 7"), backoff_limit=1))
    cluster.kubectl("wait", "job/bad", "--for=condition=Failed", "--timeout=90s")

    pods = cluster.get("pods", "-l", "batch.kubernetes.io/job-name=bad")["items"]
    ends = [each["status"]["containerStatuses"][0]["state"]["terminated"] for each in pods]
    assert [(end["exitCode"], end["reason"]) for end in ends] == [(7, "Error"), (7, "Error")]
    (condition,) = [each for each in cluster.get("job", "bad")["status"]["conditions"] if each["type"] == "Failed"]
    assert condition["reason"] == "BackoffLimitExceeded"


def test_containers_with_restart_policies_of_their_own(cluster: LocalCluster) -> None:
    """Policies and rules of a container go before the pod's, as on a kubelet; a rule was not read, and 42 was the end.

    Each program ends with 42 at first and with 0 when it is started again.
    """
    twice = "test -e /scratch/begun && exit 0; touch /scratch/begun; exit 42"
    mount: Object = {"volumeMounts": [{"name": "work", "mountPath": "/scratch"}]}
    own = {
        "rule": ruled("In", 42),
        "no-rule": ruled("In", 7),
        "other-codes": ruled("NotIn", 0, 7),
        "on-failure": {"restartPolicy": "OnFailure"},
    }
    volumes = [{"name": "work", "emptyDir": {}}]
    pods = [pod(f"own-{name}", shell(twice, **mount, **fields), volumes=volumes) for name, fields in own.items()]
    initial = shell(twice, name="first", **mount, **own["rule"])
    pods += [
        pod("own-init", shell("exit 0"), initContainers=[initial], volumes=volumes),
        pod("own-never", shell(twice, restartPolicy="Never", **mount), volumes=volumes, restartPolicy="Always"),
    ]
    cluster.apply(*pods)

    def ended() -> dict[str, tuple[str, int]] | None:
        found = {each["metadata"]["name"]: each["status"] for each in cluster.get("pods")["items"]}
        ours = {name.removeprefix("own-"): status for name, status in found.items() if name.startswith("own-")}
        if any(status["phase"] not in {"Succeeded", "Failed"} for status in ours.values()):
            return None
        return {
            name: (
                status["phase"],
                (status.get("initContainerStatuses") or status["containerStatuses"])[0]["restartCount"],
            )
            for name, status in ours.items()
        }

    assert wait_for("the end of each", ended) == {
        "rule": ("Succeeded", 1),
        "no-rule": ("Failed", 0),
        "other-codes": ("Succeeded", 1),
        "on-failure": ("Succeeded", 1),
        "init": ("Succeeded", 1),
        "never": ("Failed", 0),
    }
    cluster.kubectl("delete", "pods", "--now", *(each["metadata"]["name"] for each in pods))


def ruled(operator: str, *values: int) -> Object:
    """What a container says that is started again only after some exit codes."""
    rule = {"action": "Restart", "exitCodes": {"operator": operator, "values": list(values)}}
    return {"restartPolicy": "Never", "restartPolicyRules": [rule]}


def test_crash_loop(cluster: LocalCluster) -> None:
    """A container that keeps ending is started again with growing pauses, and its pod says so."""
    cluster.apply(pod("crashing", shell("echo again; exit 3"), restartPolicy="Always"))

    def third_start() -> Object | None:
        status: Object = cluster.get("pod", "crashing")["status"].get("containerStatuses", [{}])[0]
        waiting = status.get("state", {}).get("waiting", {}).get("reason") == "CrashLoopBackOff"
        return status if waiting and status["restartCount"] >= 2 else None

    status = wait_for("the third start", third_start)
    assert status["lastState"]["terminated"]["exitCode"] == 3
    assert "back-off" in status["state"]["waiting"]["message"]
    assert cluster.kubectl("logs", "crashing", "--previous").strip() == "again"
    assert "BackOff" in cluster.kubectl("events", "--for", "pod/crashing")
    cluster.kubectl("delete", "pod", "crashing", "--now")


def test_deployment(cluster: LocalCluster) -> None:
    """A Deployment comes up, is scaled, rolled, stuck by a version that is never ready, rolled back, deleted."""
    cluster.apply(deployment("web", server("1"), replicas=2))
    cluster.kubectl("rollout", "status", "deployment/web", "--timeout=60s")
    assert len({each["status"]["podIP"] for each in pods_of(cluster, "web")}) == 2

    cluster.kubectl("scale", "deployment/web", "--replicas=3")
    cluster.kubectl("rollout", "status", "deployment/web", "--timeout=60s")
    wait_for("three pods", lambda: len(pods_of(cluster, "web")) == 3)

    cluster.kubectl("set", "env", "deployment/web", "VERSION=2")
    cluster.kubectl("rollout", "status", "deployment/web", "--timeout=90s")

    cluster.kubectl("set", "env", "deployment/web", "VERSION=broken")
    wait_for("a pod that is not ready", lambda: len(pods_of(cluster, "web")) == 4)
    assert cluster.get("deployment", "web")["status"]["readyReplicas"] == 3

    cluster.kubectl("rollout", "undo", "deployment/web")
    cluster.kubectl("rollout", "status", "deployment/web", "--timeout=60s")
    wait_for("the end of the broken pod", lambda: len(pods_of(cluster, "web")) == 3)
    versions = [each["spec"]["containers"][0]["env"][0]["value"] for each in pods_of(cluster, "web")]
    assert versions == ["2", "2", "2"]

    cluster.kubectl("delete", "deployment", "web")
    wait_for("the end of all pods", lambda: not pods_of(cluster, "web"))


def test_pod_that_cannot_start(cluster: LocalCluster) -> None:
    """A pod whose image means nothing here says so and what to do, instead of hanging silently."""
    cluster.apply(pod("stranger", {"name": "main", "image": "registry.example/unknown:1"}))

    def reason() -> Object | None:
        statuses = cluster.get("pod", "stranger")["status"].get("containerStatuses", [])
        waiting: Object | None = statuses[0]["state"].get("waiting") if statuses else None
        return waiting if waiting and waiting.get("message") else None

    waiting = wait_for("the reason", reason)
    assert "registry.example/unknown:1" in waiting["message"]
    assert "map the image" in waiting["message"]
    assert "map the image" in cluster.kubectl("events", "--for", "pod/stranger")
    cluster.kubectl("delete", "pod", "stranger", "--now")


def test_helm(cluster: LocalCluster, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A chart is installed, upgraded, tested and uninstalled."""
    folder = tmp_path_factory.mktemp("chart") / "sample"
    (folder / "templates").mkdir(parents=True)
    (folder / "Chart.yaml").write_text("apiVersion: v2\nname: sample\nversion: 0.1.0\n")
    (folder / "values.yaml").write_text('word: "one"\n')
    (folder / "templates" / "deployment.yaml").write_text(
        """
apiVersion: apps/v1
kind: Deployment
metadata: {name: {{ .Release.Name }}}
spec:
  selector: {matchLabels: {app: {{ .Release.Name }}}}
  template:
    metadata: {labels: {app: {{ .Release.Name }}}}
    spec:
      containers:
        - name: main
          image: busybox
          command: [/bin/sh, -c, "echo {{ .Values.word }}; exec sleep 600"]
"""
    )
    (folder / "templates" / "test.yaml").write_text(
        """
apiVersion: v1
kind: Pod
metadata: {name: {{ .Release.Name }}-test, annotations: {helm.sh/hook: test}}
spec:
  restartPolicy: Never
  containers: [{name: main, image: busybox, command: [/bin/sh, -c, "echo tested"]}]
"""
    )

    def helm(*argv: str) -> str:
        done = cluster.helm(*argv)
        assert done.code == 0, done.err
        return done.out

    helm("install", "sample", str(folder), "--wait", "--timeout", "60s")
    assert cluster.kubectl("logs", "deployment/sample").strip() == "one"
    helm("upgrade", "sample", str(folder), "--set", "word=two", "--wait", "--timeout", "60s")
    wait_for("the new pod's log", lambda: cluster.kubectl("logs", "deployment/sample").strip() == "two")
    assert "tested" in helm("test", "sample", "--logs", "--timeout", "60s")
    helm("uninstall", "sample", "--wait")
    assert "sample" not in cluster.kubectl("get", "deployments")


@pytest.mark.parametrize(
    ("argv", "what"), [(("exec", "awake", "--", "/bin/true"), "exec"), (("port-forward", "awake", "18080:80"), "port")]
)
def test_not_supported_yet(cluster: LocalCluster, argv: tuple[str, ...], what: str) -> None:
    """What the process node does not offer is refused in plain words at once."""
    cluster.apply(pod("awake", shell("exec sleep 600")))
    cluster.kubectl("wait", "pod/awake", "--for=condition=Ready", "--timeout=60s")

    done = run("kubectl", *argv, environ=cluster.with_programs(), seconds=60)

    assert done.code != 0
    assert "not supported" in done.err
    assert what in done.err.lower()
    cluster.kubectl("delete", "pod", "awake", "--now")


def test_cron_job_fires(cluster: LocalCluster, cron_job: str) -> None:
    """A CronJob starts its Job when the minute comes, and the Job completes."""

    def completed() -> str | None:
        for each in cluster.get("jobs")["items"]:
            if each["metadata"]["name"].startswith(cron_job) and each.get("status", {}).get("succeeded"):
                return str(each["metadata"]["name"])
        return None

    fired = wait_for("the CronJob", completed, seconds=90)
    assert cluster.kubectl("logs", f"job/{fired}").strip() == "fired"
