"""Pods really run: the worker with real processes against an API server with faults."""

import asyncio
import signal
from typing import Any

import pytest

from tests.pods.podnode import PodNode
from tests.pods.podsamples import container, pod, sidecar


def shell(script: str, name: str = "app", **fields: Any) -> dict[str, Any]:
    """A container that runs a shell script."""
    return container(name, command=["/bin/sh", "-c", script], **fields)


async def test_a_pod_runs_to_success_in_two_writes(node: PodNode) -> None:
    """A Job's pod is Running, then Succeeded, with its exit code and log, and no request more than that takes."""
    node.serve(pod(shell("echo hello; sleep 0.3"), policy="Never"))
    await node.until(lambda: node.status().get("phase") == "Succeeded")
    await node.recorder.flush()

    assert node.api.phases() == ["Running", "Succeeded"]
    assert node.container()["state"]["terminated"]["exitCode"] == 0
    assert node.log().endswith("stdout F hello\n")
    assert sorted(node.api.requests) == ["PATCH status", "PATCH status", "POST events", "POST events"]


async def test_a_failure_is_told_with_its_exit_code(node: PodNode) -> None:
    """A Job's pod that fails is Failed at once and not tried again."""
    node.serve(pod(shell("exit 7"), policy="Never"))
    await node.until(lambda: node.status().get("phase") == "Failed")

    assert node.container()["state"]["terminated"]["exitCode"] == 7
    assert node.container()["restartCount"] == 0


async def test_a_crash_loop_backs_off(node: PodNode) -> None:
    """The first restart is immediate, the next waits, and the back-off is told in status and Event."""
    node.serve(pod(shell("exit 1")))
    await node.until(lambda: node.container().get("state", {}).get("waiting", {}).get("reason") == "CrashLoopBackOff")
    assert node.container()["restartCount"] == 1
    assert node.status()["phase"] == "Running"

    node.clock.advance(10.1)
    await node.until(lambda: node.container()["restartCount"] == 2)
    await node.recorder.flush()

    assert ("BackOff", "Back-off restarting failed container app in pod web-1_default(u1)") in node.api.events


async def test_init_containers_run_in_order_before_the_main_one(node: PodNode) -> None:
    """Each init container sees the work of the one before, through a shared volume."""
    mounts: dict[str, Any] = {"volumeMounts": [{"name": "work", "mountPath": "/work-dir"}]}
    served = pod(
        shell("cat /work-dir/told", **mounts),
        init=(
            shell("echo one > /work-dir/told", "one", **mounts),
            shell("echo two >> /work-dir/told", "two", **mounts),
        ),
        policy="Never",
        volumes=[{"name": "work", "emptyDir": {}}],
    )
    node.serve(served)
    await node.until(lambda: node.status().get("phase") == "Succeeded")

    assert [line.rsplit(" ", 1)[1] for line in node.log().splitlines()] == ["one", "two"]


async def test_a_sidecar_starts_first_and_does_not_keep_a_job_from_ending(node: PodNode) -> None:
    """A native sidecar runs beside the main container and is stopped after it."""
    proxy = sidecar("proxy", command=["/bin/sh", "-c", "trap 'exit 0' TERM; while :; do sleep 0.05; done"])
    node.serve(pod(shell("sleep 0.2"), init=(proxy,), policy="Never"))
    await node.until(lambda: node.status().get("phase") == "Succeeded")

    assert node.container("proxy")["state"]["terminated"]["exitCode"] == 0


async def test_a_deleted_pod_is_withdrawn_stopped_and_removed(node: PodNode) -> None:
    """SIGTERM, the end within the grace period, one deletion guarded by the uid, and no file left."""
    worker = node.serve(pod(shell("trap 'echo bye; exit 3' TERM; echo up; while :; do sleep 0.05; done")))
    await node.until(lambda: "up" in node.log())
    await node.until(lambda: node.status().get("phase") == "Running")

    node.delete(worker)
    await node.until(lambda: not node.api.pods)

    assert node.withdrawn == ["u1"]
    ready = [each["status"] for each in node.api.writes[-1]["conditions"] if each["type"] == "Ready"]
    assert ready == ["False"]
    assert node.api.deletions[-1]["gracePeriodSeconds"] == 0
    assert node.api.deletions[-1]["preconditions"] == {"uid": "u1"}
    worker.vanish()
    await node.until(node.tasks["u1"].done)
    assert not (node.root / "pods" / "u1").exists()


async def test_a_pod_that_ignores_sigterm_is_killed_when_its_grace_period_ends(node: PodNode) -> None:
    """SIGKILL to the container and its children after the grace period."""
    worker = node.serve(pod(shell("trap '' TERM; echo up; sleep 600 & while :; do sleep 0.05; done")))
    await node.until(lambda: "up" in node.log())

    node.delete(worker, grace=60)
    await asyncio.sleep(0.3)
    assert node.api.pods
    node.clock.advance(60)
    await node.until(lambda: not node.api.pods)


async def test_a_second_deletion_shortens_the_grace_period(node: PodNode) -> None:
    """`kubectl delete --grace-period=1` does not wait for the earlier, longer grace period."""
    worker = node.serve(pod(shell("trap '' TERM; echo up; while :; do sleep 0.05; done")))
    await node.until(lambda: "up" in node.log())

    node.delete(worker, grace=600)
    await asyncio.sleep(0.2)
    node.delete(worker, grace=1)
    await node.until(lambda: not node.api.pods)


async def test_a_force_deleted_pod_is_killed_without_a_request(node: PodNode) -> None:
    """A pod that is gone from the API server is stopped and cleaned up, and nobody is told."""
    worker = node.serve(pod(shell("trap '' TERM; echo up; while :; do sleep 0.05; done")))
    await node.until(lambda: "up" in node.log())
    await node.until(lambda: node.status().get("phase") == "Running")
    before = len(node.api.writes)

    node.api.pods.clear()
    worker.vanish()
    await node.until(lambda: worker.attempts("app"))
    await asyncio.sleep(0.1)
    node.clock.advance(3)
    await node.until(node.tasks["u1"].done)

    assert (len(node.api.writes), node.api.deletions) == (before, [])
    assert not (node.root / "pods" / "u1").exists()


async def test_a_pod_with_finalizers_tells_how_it_ended_before_it_is_deleted(node: PodNode) -> None:
    """The Job controller, which holds a finalizer, sees the exit code of a deleted pod."""
    worker = node.serve(
        pod(
            shell("trap 'exit 5' TERM; echo up; while :; do sleep 0.05; done"),
            policy="Never",
            metadata={"finalizers": ["batch.kubernetes.io/job-tracking"]},
        )
    )
    await node.until(lambda: "up" in node.log())

    node.delete(worker)
    await node.until(lambda: not node.api.pods)

    assert node.api.phases()[-1] == "Failed"
    assert node.api.writes[-1]["containerStatuses"][0]["state"]["terminated"]["exitCode"] == 5


async def test_hooks_run_when_they_should(node: PodNode) -> None:
    """The postStart hook runs after the start and holds Running back, preStop runs before SIGTERM."""
    hooks = {
        "postStart": {"exec": {"command": ["/bin/sh", "-c", "sleep 0.2; echo started > $HOME/hook"]}},
        "preStop": {"exec": {"command": ["/bin/sh", "-c", "echo stopping >> $HOME/hook"]}},
    }
    script = "trap 'cat $HOME/hook; exit 0' TERM; echo up; while :; do sleep 0.05; done"
    worker = node.serve(pod(shell(script, lifecycle=hooks)))
    await node.until(lambda: node.status().get("phase") == "Running")
    assert (node.root / "pods/u1/rootfs/app/hook").read_text() == "started\n"

    node.delete(worker)
    await node.until(lambda: "stopping" in node.log() or not node.api.pods)
    await node.until(lambda: not node.api.pods)


async def test_a_failed_post_start_hook_restarts_the_container(node: PodNode) -> None:
    """A container whose postStart hook fails is killed and started again."""
    hooks = {"postStart": {"exec": {"command": ["/bin/false"]}}}
    node.serve(pod(shell("exec sleep 600", lifecycle=hooks)))
    await node.until(lambda: node.container().get("restartCount", 0) >= 1)
    await node.recorder.flush()

    assert ("FailedPostStartHook", "PostStartHook failed") in node.api.events


async def test_a_failed_liveness_probe_restarts_the_container(node: PodNode) -> None:
    """The container is killed and started again, and Events say why."""
    probe = {"exec": {"command": ["/bin/false"]}, "periodSeconds": 1, "failureThreshold": 1}
    node.serve(pod(shell("exec sleep 600", livenessProbe=probe)))
    await node.until(lambda: node.container().get("restartCount", 0) >= 1)
    await node.recorder.flush()

    reasons = [reason for reason, _ in node.api.events]
    assert "Unhealthy" in reasons
    assert ("Killing", "Container app failed liveness probe, will be restarted") in node.api.events


async def test_readiness_follows_its_probe(node: PodNode) -> None:
    """A pod is ready when its probe succeeds, and not before."""
    probe = {"exec": {"command": ["/bin/sh", "-c", "test -e $HOME/ready"]}, "periodSeconds": 1}
    node.serve(pod(shell("exec sleep 600", readinessProbe=probe)))
    await node.until(lambda: node.status().get("phase") == "Running")
    assert node.container()["ready"] is False

    (node.root / "pods/u1/rootfs/app/ready").touch()
    await node.until(lambda: node.container()["ready"])


async def test_a_command_that_cannot_be_executed_is_told(node: PodNode) -> None:
    """A pod whose command is not there has failed, with the runtime's words."""
    node.serve(pod(container(command=["/no/such/program"]), policy="Never"))
    await node.until(lambda: node.status().get("phase") == "Failed")

    terminated = node.container()["state"]["terminated"]
    assert (terminated["exitCode"], terminated["reason"]) == (128, "StartError")
    assert "/no/such/program" in terminated["message"]


async def test_a_missing_secret_is_waited_for(node: PodNode) -> None:
    """A container whose Secret is missing says so, and starts once it is there."""
    env = [{"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}]
    node.serve(pod(shell('echo "$KEY"', env=env), policy="Never"))
    await node.until(lambda: "waiting" in node.container().get("state", {}))
    waiting = node.container()["state"]["waiting"]
    assert (waiting["reason"], waiting["message"]) == ("CreateContainerConfigError", 'secret "s" not found')

    node.api.objects["s"] = {"kind": "Secret", "apiVersion": "v1", "metadata": {"name": "s"}, "data": {"k": "eWVz"}}
    node.clock.advance(11)
    await node.until(lambda: node.status().get("phase") == "Succeeded")
    assert node.log().endswith("yes\n")


async def test_a_missing_volume_is_waited_for(node: PodNode) -> None:
    """A pod whose ConfigMap volume is missing stays Pending with an Event, and starts once it is there."""
    volumes = [{"name": "c", "configMap": {"name": "settings"}}]
    main = shell("cat /etc/c/key", volumeMounts=[{"name": "c", "mountPath": "/etc/c"}])
    node.serve(pod(main, policy="Never", volumes=volumes))
    await node.until(lambda: any(reason == "FailedMount" for reason, _ in node.api.events))

    node.api.objects["settings"] = {"kind": "ConfigMap", "metadata": {"name": "settings"}, "data": {"key": "value\n"}}
    node.clock.advance(11)
    await node.until(lambda: node.status().get("phase") == "Succeeded")
    assert node.log().endswith("value\n")


async def test_volumes_follow_their_config_map(node: PodNode) -> None:
    """A changed ConfigMap reaches the files of a running pod."""
    node.api.objects["c"] = {"kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"key": "old"}}
    volumes = [{"name": "c", "configMap": {"name": "c"}}]
    main = shell(
        "until grep -q new /etc/c/key; do sleep 0.05; done", volumeMounts=[{"name": "c", "mountPath": "/etc/c"}]
    )
    node.serve(pod(main, policy="Never", volumes=volumes))
    await node.until(lambda: node.status().get("phase") == "Running")

    node.api.objects["c"] = {"kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"key": "new"}}
    node.clock.advance(31)
    await node.until(lambda: node.status().get("phase") == "Succeeded")


async def test_a_finished_pod_rests(node: PodNode) -> None:
    """A pod that has ended costs nothing, although its volumes would be due for news."""
    node.api.objects["c"] = {"kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"key": "value"}}
    main = shell("cat /etc/c/key", volumeMounts=[{"name": "c", "mountPath": "/etc/c"}])
    node.serve(pod(main, policy="Never", volumes=[{"name": "c", "configMap": {"name": "c"}}]))
    await node.until(lambda: node.status().get("phase") == "Succeeded")

    node.clock.advance(3600)
    before = node.clock.readings
    await asyncio.sleep(0.1)

    assert node.clock.readings - before < 20


@pytest.mark.parametrize("code", [409, 429, 500, 503])
async def test_status_writes_are_repeated(node: PodNode, code: int) -> None:
    """A status that was refused three times is written in the end, and only the newest one."""
    node.api.refusals = [code] * 3
    node.serve(pod(shell("exit 0"), policy="Never"))
    await node.until(lambda: node.status().get("phase") == "Succeeded")


async def test_a_pod_never_writes_the_status_of_its_successor(node: PodNode) -> None:
    """After a force deletion the name may belong to another pod at once; that one's status is its own."""
    worker = node.serve(pod(shell("while [ ! -e $HOME/stop ]; do sleep 0.05; done"), policy="Never"))
    await node.until(lambda: node.status().get("phase") == "Running")

    node.api.pods["web-1"] = node.api.add(pod(metadata={"uid": "u2"}))
    (node.root / "pods/u1/rootfs/app/stop").touch()
    await node.until(lambda: not worker._observe().container("app").running)
    await worker._status.flush()

    assert node.status() == {"phase": "Pending"}


async def test_deletions_are_repeated(node: PodNode) -> None:
    """A pod is deleted in the end although the API server was away."""
    worker = node.serve(pod(shell("exec sleep 600")))
    await node.until(lambda: node.status().get("phase") == "Running")
    node.api.delete_refusals = [500, 503]

    node.delete(worker, grace=0)
    await node.until(lambda: len(node.api.deletions) == 1)
    node.clock.advance(2)
    await node.until(lambda: len(node.api.deletions) == 2)
    node.clock.advance(5)
    await node.until(lambda: not node.api.pods)


async def test_the_active_deadline_ends_a_pod(node: PodNode) -> None:
    """A pod past its deadline is stopped and Failed with reason DeadlineExceeded."""
    node.serve(pod(shell("exec sleep 600"), activeDeadlineSeconds=100))
    await node.until(lambda: node.status().get("phase") == "Running")

    node.clock.advance(101)
    await node.until(lambda: node.status().get("phase") == "Failed")

    assert node.status()["reason"] == "DeadlineExceeded"


async def test_a_restarted_node_goes_on_with_its_pods(node: PodNode) -> None:
    """A container that runs through a restart of the node is not started twice, and its end is told."""
    served = pod(shell("echo run; while [ ! -e $HOME/stop ]; do sleep 0.05; done; exit 4"), policy="Never")
    node.serve(served)
    await node.until(lambda: node.status().get("phase") == "Running")
    await node.close()
    writes = len(node.api.writes)

    node.serve(served)
    await asyncio.sleep(0.2)
    assert len(node.api.writes) == writes
    (node.root / "pods/u1/rootfs/app/stop").touch()
    await node.until(lambda: node.status().get("phase") == "Failed")

    assert node.container()["state"]["terminated"]["exitCode"] == 4
    assert node.log().count("run") == 1


async def test_a_killed_shim_is_a_lost_container(node: PodNode) -> None:
    """A container that vanished is reported as ContainerStatusUnknown with exit code 137 and started again."""
    node.serve(pod(shell("exec sleep 600")))
    await node.until(lambda: node.status().get("phase") == "Running")
    watched = next(iter(node.runtime._watched.values()))
    assert watched.processes is not None

    watched.processes.shim.send(signal.SIGKILL)
    await node.until(lambda: node.container().get("restartCount") == 1)

    last = node.container()["lastState"]["terminated"]
    assert (last["exitCode"], last["reason"]) == (137, "ContainerStatusUnknown")


async def test_last_words_are_told(node: PodNode) -> None:
    """What a container writes to its terminationMessagePath stands in its status."""
    node.serve(pod(shell("echo because > /dev/termination-log; exit 1"), policy="Never"))
    await node.until(lambda: node.status().get("phase") == "Failed")

    assert node.container()["state"]["terminated"]["message"] == "because\n"


async def test_last_words_fall_back_to_the_log(node: PodNode) -> None:
    """With FallbackToLogsOnError the end of the log stands in for them."""
    main = shell("echo why; exit 1", terminationMessagePolicy="FallbackToLogsOnError")
    node.serve(pod(main, policy="Never"))
    await node.until(lambda: node.status().get("phase") == "Failed")

    assert node.container()["state"]["terminated"]["message"] == "why\n"
