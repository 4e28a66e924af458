"""What only a node can do to an experiment: each fault ends in the right verdict, once, with a reason for people.

One cluster and one controller for all; every test has a trigger of its own, and mends what it broke.
"""

import signal
from collections.abc import Iterator

import pytest

from tests.clusters import wait_for
from tests.integration.objects import Object
from tests.realnode.conftest import RealCluster, real_cluster
from tests.realnode.images import IMAGE, bring_image, tag
from tests.realnode.story import Story, bring_app, group, install, load

pytestmark = pytest.mark.realnode

EPHEMERAL = {"requests": {"ephemeral-storage": "1Mi"}, "limits": {"memory": "1Gi", "ephemeral-storage": "2Mi"}}
LONG: Object = {"duration": "12s"}
GROUPS: dict[str, Object] = {
    "oom": load(resources={"requests": {"memory": "16Mi"}, "limits": {"memory": "24Mi"}}),
    # NB: a kubelet looks at what is in a volume once a minute; what is evicted ends by that.
    "evicted": load(http={"duration": "150s"}, resources=EPHEMERAL),
    "drained": load(http={"duration": "60s"}),
    "cordoned": load(),
    "kubelet": load(http=LONG),
    "containerd": load(http=LONG),
    "image": load(image={"repository": "autox.dev/absent", "tag": "1", "pullPolicy": "Never"}),
    "room": load(resources={"requests": {"cpu": "1000"}}, activeDeadlineSeconds=10),
    "deadline": load(http={"duration": "60s"}, activeDeadlineSeconds=10),
    "dns": load(),
    "endpoints": load(http={"url": "http://nobody.default/"}),
    "cut": load(http=LONG),
    "controller-oom": load(),
    "throttled": load(),
    "rescheduled": load(),
}


def groups() -> dict[str, Object]:
    """The chart's value ``groups``."""
    return {name: group(name, values) for name, values in GROUPS.items()}


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealCluster]:
    """A cluster whose kubelet evicts pods that write more than they may."""
    setting = "kubelet.config.localStorageCapacityIsolation=true"
    with real_cluster("faults", tmp_path_factory.mktemp("faults"), "--set", setting) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def installed(real: RealCluster) -> Iterator[RealCluster]:
    """A cluster with the image, an app behind the Service ``web``, and autox with a group for each test."""
    real.kubectl("label", "namespace/default", "pod-security.kubernetes.io/enforce=restricted")
    bring_image(real)
    bring_app(real)
    nobody = {"selector": {"app": "nobody"}, "ports": [{"port": 80}]}
    real.apply({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "nobody"}, "spec": nobody})
    install(real, groups())
    yield real
    print(real.kubectl("logs", "deployment/autox", "--tail=200"))  # noqa: T201  - shown where a test of the module failed


def limit(cluster: RealCluster, **limits: str) -> None:
    """Give the controller other limits, and requests that are the same."""
    words = ",".join(f"{resource}={value}" for resource, value in limits.items())
    cluster.kubectl("set", "resources", "deployment/autox", f"--limits={words}", f"--requests={words}")


def test_runner_out_of_memory_is_error_oom_killed(installed: RealCluster) -> None:
    """The record says that the runner was killed for its memory, and how to read its log."""
    story = Story(installed, "oom")
    story.new_version()
    status = story.ended()

    assert status["verdict"] == "Error"
    assert "OOMKilled" in status["message"]


def test_runner_evicted_is_error_with_the_kubelets_reason(installed: RealCluster) -> None:
    """The kubelet evicts a runner that wrote more than it may; the record repeats what the kubelet said."""
    story = Story(installed, "evicted")
    story.new_version()
    pod = story.loading()
    write = "open('/tmp/big', 'wb').write(bytes(8 << 20))"
    installed.kubectl("exec", pod, "-c", "experiment", "--", "python3", "-c", write)
    status = story.ended()

    assert status["verdict"] == "Error"
    assert "ephemeral" in status["message"]


def test_runner_drained_from_its_node_is_error(installed: RealCluster) -> None:
    """Draining the node in mid-run ends the experiment with an error that says so; nothing is run twice."""
    story = Story(installed, "drained")
    story.new_version()
    pod = story.loading()
    job = story.jobs()[0]
    flags = ("--force", "--delete-emptydir-data", "--timeout=100s")
    installed.kubectl("drain", installed.node, "--pod-selector", f"job-name={job}", *flags)
    installed.kubectl("uncordon", installed.node)
    status = story.ended()

    assert status["verdict"] == "Error"
    assert "evict" in status["message"]
    assert pod not in installed.kubectl("get", "pods", "-o", "name")


def test_cordoned_node_waits_and_says_so_then_passes(installed: RealCluster) -> None:
    """While no node takes pods the record says what the runner waits for; afterwards it runs, once."""
    story = Story(installed, "cordoned")
    installed.kubectl("cordon", installed.node)
    try:
        story.new_version()
        message = story.reason("PodWaiting")
        assert "Unschedulable" in message
        assert story.status().get("verdict") is None
    finally:
        installed.kubectl("uncordon", installed.node)

    assert story.ended()["verdict"] == "Pass"


@pytest.mark.parametrize("program", ["kubelet", "containerd"])
def test_restart_in_mid_run_changes_nothing_and_passes(installed: RealCluster, program: str) -> None:
    """A kubelet or a containerd that is killed in mid-run leaves the runner and its verdict alone."""
    story = Story(installed, program)
    story.new_version()
    story.loading()
    victim = installed.program(program)
    assert victim
    victim.kill()

    assert story.ended()["verdict"] == "Pass"


def test_missing_image_says_which_and_passes_once_it_is_there(installed: RealCluster) -> None:
    """The record names the image that the node does not have; once it is loaded the experiment runs."""
    story = Story(installed, "image")
    story.new_version()
    message = story.reason("PodWaiting")
    assert "autox.dev/absent:1" in message or "ErrImageNeverPull" in message
    assert story.status().get("verdict") is None
    tag(installed, IMAGE, "autox.dev/absent:1")

    assert story.ended()["verdict"] == "Pass"


def test_pod_that_no_node_has_room_for_is_error_at_its_deadline(installed: RealCluster) -> None:
    """A runner that asks for a thousand processors waits visibly, and ends with an error when its time is over."""
    story = Story(installed, "room")
    story.new_version()
    assert "Insufficient cpu" in story.reason("PodWaiting")
    status = story.ended()

    assert (status["verdict"], status["reason"]) == ("Error", "DeadlineExceeded")


def test_deadline_passed_in_mid_run_is_error_deadline_exceeded(installed: RealCluster) -> None:
    """An experiment that takes longer than it may is ended, and never passes for what it had measured by then."""
    story = Story(installed, "deadline")
    story.new_version()
    status = story.ended()

    assert status["verdict"] in ("Error", "NoData"), status
    assert "eadline" in status["reason"] + status["message"]


def test_dns_down_is_error_that_names_the_host(installed: RealCluster) -> None:
    """Without cluster DNS the host cannot be resolved; the verdict says which, and is no Pass."""
    story = Story(installed, "dns")
    dns = installed.program("coredns")
    assert dns
    dns.send_signal(signal.SIGSTOP)
    try:
        story.new_version()
        status = story.ended()
    finally:
        dns.send_signal(signal.SIGCONT)

    assert status["verdict"] in ("Error", "NoData")
    assert "web.default" in status["message"]


def test_service_without_endpoints_is_no_pass(installed: RealCluster) -> None:
    """A Service that nobody serves refuses every request; errors are counted and the verdict says so."""
    story = Story(installed, "endpoints")
    story.new_version()
    status = story.ended()

    assert status["verdict"] in ("Fail", "Error", "NoData")
    assert status["message"]


def test_network_cut_in_mid_run_fails_by_its_errors(installed: RealCluster) -> None:
    """When the way to the target is cut in mid-run, requests time out, are counted as errors, and the SLO fails."""
    story = Story(installed, "cut")
    story.new_version()
    story.loading()
    address = installed.get("pods", "-l", "app=web")["items"][0]["status"]["podIP"]
    installed.inside("nft", "add", "table", "ip", "cut")
    try:
        installed.inside("nft", "add chain ip cut forward { type filter hook forward priority 0; }")
        installed.inside("nft", "add", "rule", "ip", "cut", "forward", "ip", "daddr", address, "drop")
        status = story.ended()
    finally:
        installed.inside("nft", "delete", "table", "ip", "cut")

    assert status["verdict"] == "Fail"
    assert "http/error-count" in status["message"]


def test_controller_out_of_memory_launches_once_when_it_has_enough(installed: RealCluster) -> None:
    """A controller that is killed for its memory misses nothing: with enough of it, the version is tested, once."""
    story = Story(installed, "controller-oom")
    limit(installed, memory="24Mi")
    try:
        wait_for("the controller to be killed", lambda: "OOMKilled" in installed.kubectl("get", "pods", "-o", "yaml"))
        story.new_version()
    finally:
        limit(installed, memory="512Mi")
    installed.kubectl("rollout", "status", "deployment/autox", "--timeout=90s")

    assert story.ended()["verdict"] == "Pass"


def test_throttled_controller_is_slow_and_right(installed: RealCluster) -> None:
    """With a twentieth of a processor the controller takes its time and launches once."""
    story = Story(installed, "throttled")
    limit(installed, cpu="50m", memory="512Mi")
    try:
        story.new_version()
        status = story.ended()
    finally:
        limit(installed, cpu="0", memory="512Mi")

    assert status["verdict"] == "Pass"


def test_rescheduled_controller_goes_on_and_launches_once(installed: RealCluster) -> None:
    """The controller's pod is deleted while it launches; its successor finishes, and there is one Job."""
    story = Story(installed, "rescheduled")
    story.new_version()
    wait_for("the record", story.records)
    installed.kubectl("delete", "pod", "-l", "app.kubernetes.io/component=controller", "--wait=false")
    status = story.ended()

    assert status["verdict"] == "Pass"
    assert len(story.records()) == len(story.jobs()) == 1


def test_roles_were_neither_too_wide_nor_too_narrow(installed: RealCluster) -> None:
    """In all that happened above, nothing that autox asked for was refused, and it wrote nothing but its own."""
    assert "system:serviceaccount:default:autox" in installed.audit.users()
    assert installed.audit.refused() == installed.audit.trespasses() == []
