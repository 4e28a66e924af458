"""Which pods are on which node, and what the endpoints learn of them from their status."""

from typing import Any

from autox.nodes.mock.pod_lister import PodLister
from autox.nodes.mock.pods import Pod, pod_from
from autox.nodes.mock.podview import Attempt, PodView, view_of

T0, T1, T2 = "2026-01-02T00:00:00Z", "2026-01-02T00:00:10Z", "2026-01-02T00:00:20Z"
EPOCH = 1_767_312_000.0  # T0


def pod(name: str = "web", *, uid: str = "uid-1", node: str = "node-0", created: str = T0, **parts: Any) -> Pod:
    """A pod as a watch shows it; parts are ``spec`` and ``status``."""
    spec = {"nodeName": node, "containers": [{"name": "app", "image": "shop/app:1"}]} | parts.get("spec", {})
    meta = {"name": name, "namespace": "shop", "uid": uid, "creationTimestamp": created}
    return pod_from({"metadata": meta, "spec": spec, "status": parts.get("status", {})})


def with_state(state: dict[str, Any], last: dict[str, Any] | None = None) -> PodView:
    """A pod whose only container is in a state."""
    status = {"name": "app", "state": state, "lastState": last or {}}
    return view_of(pod(status={"startTime": T0, "containerStatuses": [status]}))


def terminated(started: str, finished: str) -> dict[str, Any]:
    """The state of a container that ended."""
    return {"terminated": {"exitCode": 1, "reason": "Error", "startedAt": started, "finishedAt": finished}}


def test_pods_are_found_by_their_node() -> None:
    """Until they are gone."""
    pod_lister = PodLister()
    pod_lister.observe(pod("a", uid="1"))
    pod_lister.observe(pod("b", uid="2"))
    pod_lister.observe(pod("c", uid="3", node="node-1"))

    assert [one.name for one in pod_lister.pods("node-0")] == ["a", "b"]
    assert [one.name for one in pod_lister.pods("node-1")] == ["c"]
    assert list(pod_lister.pods("node-2")) == []
    assert pod_lister.pod("node-1", "shop", "a") is None
    assert pod_lister.pod("node-0", "other", "a") is None

    pod_lister.forget("1")
    pod_lister.forget("1")
    pod_lister.forget("never there")

    assert [one.name for one in pod_lister.pods("node-0")] == ["b"]


def test_the_newest_state_and_the_newest_pod_count() -> None:
    """While one that is ending still has the name of the next."""
    pod_lister = PodLister()
    pod_lister.observe(pod(uid="old"))
    pod_lister.observe(pod(uid="new", created=T1))
    pod_lister.observe(pod(uid="new", created=T1, status={"startTime": T2}))
    pod_lister.observe(pod(uid="old", status={"startTime": T1}))
    found = pod_lister.pod("node-0", "shop", "web")

    assert found is not None
    assert (found.uid, found.started) == ("new", EPOCH + 20)


def test_pods_that_leave_while_they_are_looked_at_do_no_harm() -> None:
    """A look is at one moment."""
    pod_lister = PodLister()
    pod_lister.observe(pod("a", uid="1"))
    pod_lister.observe(pod("b", uid="2"))
    looking = pod_lister.pods("node-0")
    next(looking)
    pod_lister.forget("2")

    assert [one.name for one in looking] == ["b"]


def test_a_pod_of_which_nothing_is_told_yet() -> None:
    """Its containers wait."""
    (container,) = view_of(pod()).containers

    assert (container.name, container.image, container.attempt, container.before) == ("app", "shop/app:1", None, None)
    assert container.waiting == "ContainerCreating"


def test_the_runs_of_a_container() -> None:
    """The present one, or the last if it waits to be started again, and the one before."""
    running = {"running": {"startedAt": T2}}
    waiting = {"waiting": {"reason": "CrashLoopBackOff"}}
    over = Attempt(started=EPOCH, ended=EPOCH + 10)
    present = Attempt(started=EPOCH + 20)

    def runs(*states: dict[str, Any]) -> tuple[Attempt | None, Attempt | None]:
        (container,) = with_state(*states).containers
        return container.attempt, container.before

    assert runs(running) == (present, None)
    assert runs(running, terminated(T0, T1)) == (present, over)
    assert runs(waiting, terminated(T0, T1)) == (over, None)
    assert runs(terminated(T0, T1)) == (over, None)
    assert runs(waiting) == (None, None)
    assert with_state(waiting).containers[0].waiting == "CrashLoopBackOff"


def test_init_containers_come_first_and_sidecars_are_none() -> None:
    """A sidecar lives as long as the pod and uses its share."""
    spec = {"initContainers": [{"name": "setup"}, {"name": "proxy", "restartPolicy": "Always"}]}
    view = view_of(pod(spec=spec))

    assert [(one.name, one.is_init) for one in view.containers] == [
        ("setup", True),
        ("proxy", False),
        ("app", False),
    ]


def test_a_container_that_is_there_without_times_has_no_run() -> None:
    """As a status that somebody else wrote may be."""
    assert with_state({"running": {}}).containers[0].attempt is None
    assert with_state({"terminated": {"exitCode": 1}}).containers[0].attempt is None
