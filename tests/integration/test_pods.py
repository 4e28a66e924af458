"""What a pod on the process node gets: order, environment, files, tokens, signals, logs."""

import json
import os
import subprocess
import time
from collections.abc import Iterator

import psutil
import pytest

from tests.clusters import LocalCluster, wait_for
from tests.integration.objects import Object, config_map, field, pod, python, secret, shell

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module", autouse=True)
def reader(cluster: LocalCluster) -> Iterator[str]:
    """A pod that prints a Secret's file whenever it changes; made first, since volumes are refreshed in their time."""
    program = (
        "import os, time\n"
        "path, last = '/etc/secret/word', None\n"
        "while True:\n"
        "    word = open(path).read()\n"
        "    if word != last: print(word)\n"
        "    last = word\n"
        "    time.sleep(0.2)\n"
    )
    cluster.apply(
        secret("changing", word="before"),
        pod(
            "reader",
            python(program, volumeMounts=[{"name": "secret", "mountPath": "/etc/secret"}]),
            volumes=[{"name": "secret", "secret": {"secretName": "changing"}}],
        ),
    )
    cluster.kubectl("wait", "pod/reader", "--for=condition=Ready", "--timeout=60s")
    wait_for("the first word", lambda: logs(cluster, "reader") == ["before"])
    cluster.apply(secret("changing", word="after"))
    yield "reader"
    cluster.kubectl("delete", "pod", "reader", "--now")


def logs(cluster: LocalCluster, name: str) -> list[str]:
    """The lines that a pod has printed."""
    return cluster.kubectl("logs", name).splitlines()


def completed(cluster: LocalCluster, body: Object) -> list[str]:
    """The lines that a pod printed, once it has succeeded."""
    name = body["metadata"]["name"]
    cluster.apply(body)
    cluster.kubectl("wait", f"pod/{name}", "--for=jsonpath={.status.phase}=Succeeded", "--timeout=60s")
    lines = logs(cluster, name)
    cluster.kubectl("delete", "pod", name, "--now")
    return lines


def test_init_containers(cluster: LocalCluster) -> None:
    """Init containers run one after another, each to its end, before the others, and hand files on."""
    mount: Object = {"volumeMounts": [{"name": "work", "mountPath": "/work-dir"}]}
    lines = completed(
        cluster,
        pod(
            "ordered",
            shell("cat /work-dir/words", **mount),
            initContainers=[
                shell("sleep 0.3; echo first >> /work-dir/words", name="first", **mount),
                shell("echo second >> /work-dir/words", name="second", **mount),
            ],
            volumes=[{"name": "work", "emptyDir": {}}],
        ),
    )
    assert lines == ["first", "second"]


def test_failing_init_container(cluster: LocalCluster) -> None:
    """A pod whose init container fails for good never starts its containers."""
    cluster.apply(pod("stopped", shell("echo never"), initContainers=[shell("exit 4", name="first")]))
    cluster.kubectl("wait", "pod/stopped", "--for=jsonpath={.status.phase}=Failed", "--timeout=60s")

    status = cluster.get("pod", "stopped")["status"]
    assert status["initContainerStatuses"][0]["state"]["terminated"]["exitCode"] == 4
    assert "terminated" not in status["containerStatuses"][0]["state"]
    cluster.kubectl("delete", "pod", "stopped", "--now")


def test_environment(cluster: LocalCluster) -> None:
    """Variables come from Secrets, ConfigMaps and fields, refer to each other, and nothing of ours leaks in."""
    cluster.apply(secret("keys", token="s3cret"), config_map("settings", COLOUR="green", SIZE="5"))
    lines = completed(
        cluster,
        pod(
            "env",
            python(
                "import json, os; print(json.dumps(dict(os.environ)))",
                envFrom=[{"configMapRef": {"name": "settings"}, "prefix": "CFG_"}],
                env=[
                    {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "token"}}},
                    {"name": "SIZE", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "SIZE"}}},
                    {"name": "NAME", "valueFrom": field("metadata.name")},
                    {"name": "NODE", "valueFrom": field("spec.nodeName")},
                    {"name": "TEAM", "valueFrom": field("metadata.labels['team']")},
                    {"name": "IP", "valueFrom": field("status.podIP")},
                    {"name": "BOTH", "value": "$(NAME) of $(TEAM), $$(NAME), $(MISSING)"},
                    {"name": "WITH.DOT", "value": "kept"},
                ],
            ),
            labels={"team": "blue"},
        ),
    )
    found = json.loads(lines[0])
    wanted = {
        "CFG_COLOUR": "green",
        "TOKEN": "s3cret",
        "SIZE": "5",
        "NAME": "env",
        "NODE": "shared-node-0",
        "TEAM": "blue",
        "BOTH": "env of blue, $(NAME), $(MISSING)",
        "WITH.DOT": "kept",
        "HOSTNAME": "env",
    }
    assert {name: found.get(name) for name in wanted} == wanted
    assert found["IP"].startswith("127.")
    assert found["KUBERNETES_SERVICE_HOST"] in cluster.status()["server"]
    assert not {"XDG_STATE_HOME", "AUTOX_COMPONENT", "VIRTUAL_ENV"} & set(found)


def test_secret_that_is_missing(cluster: LocalCluster) -> None:
    """A pod that needs a Secret which is not there says which, and starts once it is."""
    cluster.apply(
        pod(
            "waiting",
            shell('echo "$WORD"', env=[{"name": "WORD", "valueFrom": {"secretKeyRef": {"name": "late", "key": "w"}}}]),
        )
    )

    def message() -> str:
        statuses = cluster.get("pod", "waiting")["status"].get("containerStatuses", [{}])
        return str(statuses[0].get("state", {}).get("waiting", {}).get("message", ""))

    assert 'secret "late" not found' in wait_for("the reason", message)
    cluster.apply(secret("late", w="here"))
    cluster.kubectl("wait", "pod/waiting", "--for=jsonpath={.status.phase}=Succeeded", "--timeout=60s")
    assert logs(cluster, "waiting") == ["here"]
    cluster.kubectl("delete", "pod", "waiting", "--now")


def test_service_account_token(cluster: LocalCluster) -> None:
    """The token that is mounted into a pod authenticates it as its service account."""
    program = (
        "import json, os, ssl, urllib.request\n"
        "where = 'var run secrets kubernetes.io serviceaccount'.split()\n"
        "root = os.path.join(os.environ['CONTAINER_SANDBOX_MOUNT_POINT'], *where)\n"
        "host, port = os.environ['KUBERNETES_SERVICE_HOST'], os.environ['KUBERNETES_SERVICE_PORT']\n"
        "body = {'apiVersion': 'authentication.k8s.io/v1', 'kind': 'SelfSubjectReview'}\n"
        "request = urllib.request.Request(\n"
        "    f'https://{host}:{port}/apis/authentication.k8s.io/v1/selfsubjectreviews',\n"
        "    data=json.dumps(body).encode(), method='POST',\n"
        "    headers={'Authorization': 'Bearer ' + open(root + '/token').read(), 'Content-Type': 'application/json'})\n"
        "context = ssl.create_default_context(cafile=root + '/ca.crt')\n"
        "user = json.load(urllib.request.urlopen(request, context=context))['status']['userInfo']\n"
        "print(user['username']); print(open(root + '/namespace').read())\n"
    )
    assert completed(cluster, pod("who", python(program))) == ["system:serviceaccount:default:default", "default"]


def processes_with(word: str) -> list[psutil.Process]:
    """The processes that carry a word in their command line."""
    found = []
    for process in psutil.process_iter():
        try:
            if any(word in argument for argument in process.cmdline()) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:
            continue
    return found


def test_graceful_end(cluster: LocalCluster) -> None:
    """A deleted pod's main process gets SIGTERM and the time it needs, and its last words are kept until then."""
    script = "trap 'echo bye; sleep 0.5; echo done; exit 0' TERM; echo up; while true; do sleep 0.1; done"
    cluster.apply(pod("polite", shell(script)))
    wait_for("the pod to run", lambda: "up" in (cluster.kubectl("logs", "polite", "--ignore-errors") or ""))
    with subprocess.Popen(
        ["kubectl", "logs", "-f", "polite"], env=cluster.with_programs(), stdout=subprocess.PIPE, text=True
    ) as following:
        cluster.kubectl("delete", "pod", "polite")
        assert following.stdout is not None
        assert following.stdout.read().split() == ["up", "bye", "done"]


def test_stubborn_end(cluster: LocalCluster) -> None:
    """A pod that ignores SIGTERM is killed after its grace period, with all its children and grandchildren."""
    word = f"stubborn-{os.getpid()}-{time.monotonic_ns()}"
    child = f"trap '' TERM; while true; do sleep 0.2; done # {word}"
    script = f'trap "" TERM; setsid /bin/sh -c "{child}" & /bin/sh -c "{child}" & echo up; while true; do sleep 1; done'
    cluster.apply(pod("stubborn", shell(script), terminationGracePeriodSeconds=2))
    wait_for("three processes", lambda: len(processes_with(word)) >= 3)

    cluster.kubectl("delete", "pod", "stubborn", "--timeout=60s")

    assert processes_with(word) == []


def test_probes(cluster: LocalCluster) -> None:
    """A container that fails its liveness probe is started again; one not ready yet is not Ready."""
    mount: Object = {"volumeMounts": [{"name": "work", "mountPath": "/work-dir"}]}
    cluster.apply(
        pod(
            "probed",
            shell(
                "if [ -e /work-dir/seen ]; then touch /work-dir/ready; else touch /work-dir/seen; fi; exec sleep 600",
                livenessProbe={
                    "exec": {"command": ["/bin/sh", "-c", "test -e /work-dir/ready"]},
                    "periodSeconds": 1,
                    "failureThreshold": 2,
                },
                readinessProbe={"exec": {"command": ["/bin/sh", "-c", "test -e /work-dir/ready"]}, "periodSeconds": 1},
                **mount,
            ),
            volumes=[{"name": "work", "emptyDir": {}}],
            restartPolicy="Always",
            terminationGracePeriodSeconds=1,
        )
    )
    cluster.kubectl("wait", "pod/probed", "--for=condition=Ready", "--timeout=60s")

    assert cluster.get("pod", "probed")["status"]["containerStatuses"][0]["restartCount"] == 1
    assert "Liveness probe failed" in cluster.kubectl("events", "--for", "pod/probed")
    cluster.kubectl("delete", "pod", "probed", "--now")


def test_logs_as_asked(cluster: LocalCluster) -> None:
    """Logs can be cut to the last lines and shown with the time of each."""
    body = pod("wordy", shell("for i in 1 2 3 4 5; do echo line $i; done"))
    cluster.apply(body)
    cluster.kubectl("wait", "pod/wordy", "--for=jsonpath={.status.phase}=Succeeded", "--timeout=60s")

    assert cluster.kubectl("logs", "wordy", "--tail=2").splitlines() == ["line 4", "line 5"]
    stamped = cluster.kubectl("logs", "wordy", "--timestamps", "--tail=1").split(" ", 1)
    assert stamped[0].startswith("20")
    assert stamped[0].endswith("Z")
    assert stamped[1].strip() == "line 5"
    assert cluster.kubectl("logs", "wordy", "--since=1h").splitlines()[0] == "line 1"
    cluster.kubectl("delete", "pod", "wordy", "--now")


def test_sidecar(cluster: LocalCluster) -> None:
    """A sidecar runs beside the containers and does not keep the pod from completing."""
    lines = completed(
        cluster,
        pod(
            "accompanied",
            shell("sleep 0.5; echo main done"),
            initContainers=[shell("echo beside; exec sleep 600", name="beside", restartPolicy="Always")],
            terminationGracePeriodSeconds=2,
        ),
    )
    assert lines == ["main done"]


def test_secret_update_arrives(cluster: LocalCluster, reader: str) -> None:
    """A changed Secret reaches the files of the pods that mount it."""
    wait_for("the changed word", lambda: logs(cluster, reader) == ["before", "after"], seconds=90)
