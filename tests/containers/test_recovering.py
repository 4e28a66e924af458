"""A node process that dies at any moment: its containers go on, are found again, and their ends are told truly."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from autox.model.errors import AlreadyExistsError, ConfigurationError, StartError
from autox.nodes.process.runtime.attempts import attempt_of, attempts_in
from autox.nodes.process.runtime.containers import ContainerKey, ContainerRuntime, ContainerState
from autox.nodes.process.runtime.processes import kill_strays, labelled_processes
from autox.nodes.process.runtime.spawning import stat_field
from tests.containers.conftest import Launching, lines_of
from tests.containers.waiting import alive, until

KEY = ContainerKey(pod_uid="pod-0", container="main", attempt=0)


@pytest.fixture
async def unrecovered(state: Path) -> AsyncIterator[ContainerRuntime]:
    """A runtime that has not looked at its state directory yet; everything in it ends with the test."""
    runtime = ContainerRuntime(state, node="a-node", log_limit=1 << 20)
    yield runtime
    await runtime.close()
    await kill_strays(state, lambda *_: True)


async def run_node(state: Path, script: str, count: int = 1) -> tuple[asyncio.subprocess.Process, list[int]]:
    """A node process with its containers started, and their pids."""
    node = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.containers.noderunner", str(state), str(count), script, stdout=subprocess.PIPE
    )
    assert node.stdout is not None
    lines = (await node.stdout.readuntil(b"started\n")).split()
    return node, [int(line) for line in lines[:-1]]


async def kill_node(node: asyncio.subprocess.Process) -> None:
    """As the kernel would: no chance to tidy up."""
    node.kill()
    await node.wait()


async def test_containers_go_on_and_are_found_again(unrecovered: ContainerRuntime, state: Path) -> None:
    """A killed node's containers run on without it; a new one finds them, waits for them and hears how they end."""
    node, pids = await run_node(state, "while [ ! -e go ]; do sleep 0.02; done; echo done; exit 6", count=3)
    await kill_node(node)

    found = await unrecovered.recover()
    assert [(record.state, record.pid) for record in found] == [(ContainerState.RUNNING, pid) for pid in pids]
    (state.parent / "go").touch()
    ended = await asyncio.gather(*(unrecovered.wait(record.key) for record in found))

    assert [record.exit_code for record in ended] == [6, 6, 6]
    assert lines_of(unrecovered.log_path(KEY)) == ["done"]
    assert ended[0].started_at == found[0].started_at


async def test_ends_without_a_node_are_told_later(unrecovered: ContainerRuntime, state: Path) -> None:
    """What ends while no node runs has its log and its exit code; it is not run again."""
    node, (pid,) = await run_node(state, "sleep 0.3; echo bye; exit 7")
    await kill_node(node)
    await until((attempt_of(state, KEY).folder / "exit").exists)

    (record,) = await unrecovered.recover()

    assert (record.state, record.exit_code, alive(pid)) == (ContainerState.EXITED, 7, False)
    assert lines_of(unrecovered.log_path(KEY)) == ["bye"]


async def test_recovered_container_can_be_asked_and_killed(unrecovered: ContainerRuntime, state: Path) -> None:
    """After a restart of the node, probes, signals and kills reach an old container just the same."""
    node, _ = await run_node(state, "trap 'echo term' TERM; while :; do sleep 0.02; done")
    await kill_node(node)
    await unrecovered.recover()

    assert (await unrecovered.run_inside(KEY, ["/bin/sh", "-c", "echo $AUTOX_POD_UID"], timeout=60))[1] == b"pod-0\n"
    await unrecovered.signal(KEY, signal.SIGTERM)
    await until(lambda: lines_of(unrecovered.log_path(KEY)) == ["term"])
    await unrecovered.kill(KEY)

    record = unrecovered.record(KEY)
    assert record is not None
    assert record.exit_code == 137


async def test_recovered_attempt_is_not_started_again(
    unrecovered: ContainerRuntime, state: Path, launching: Launching
) -> None:
    """An attempt that an earlier node process started cannot be started by this one."""
    node, _ = await run_node(state, "sleep 1000")
    await kill_node(node)
    await unrecovered.recover()

    with pytest.raises(AlreadyExistsError):
        await unrecovered.start(launching("/bin/true", pod="pod-0"))


async def test_claim_without_a_process_is_lost(unrecovered: ContainerRuntime, state: Path) -> None:
    """A node that died between its claim and the start leaves an attempt that is told as lost, for ever."""
    attempt_of(state, KEY).claim()

    (record,) = await unrecovered.recover()
    await unrecovered.close()
    (again,) = await unrecovered.recover()

    assert (record.state, record.exit_code) == (ContainerState.LOST, None)
    assert (again.state, again.finished_at) == (ContainerState.LOST, record.finished_at)


async def test_start_under_way_when_the_node_dies(
    unrecovered: ContainerRuntime, state: Path, launching: Launching
) -> None:
    """A launch that reaches its shim only after the next node has told it lost runs nothing."""
    dying = ContainerRuntime(state, node="a-node", log_limit=1 << 20)
    await dying.recover()
    first = await dying.start(launching("/bin/true", pod="pod-9"))
    await dying.wait(first.key)
    template = dying._launcher._template
    assert template is not None
    os.kill(template.pid, signal.SIGSTOP)
    starting = asyncio.ensure_future(dying.start(launching("/bin/sh", "-c", "echo ran >>ran", pod="pod-0")))
    await asyncio.sleep(0.2)
    os.close(dying._lock)  # what its death would do
    dying._lock = -1

    found = {record.key: record.state for record in await unrecovered.recover()}
    os.kill(template.pid, signal.SIGCONT)
    with pytest.raises(StartError):
        await starting

    assert found[KEY] is ContainerState.LOST
    assert not (launching().cwd / "ran").exists()
    await dying.close()


@pytest.mark.parametrize("started_before", [0, 1, 5, 20])
async def test_nothing_runs_twice_wherever_the_node_dies(
    unrecovered: ContainerRuntime, state: Path, launching: Launching, started_before: int
) -> None:
    """A node killed while it starts container after container: each has run once, or is lost and ran at most once."""
    script = "echo x >>ran-$AUTOX_POD_UID"
    node = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.containers.noderunner", str(state), "1000", script, stdout=subprocess.DEVNULL
    )
    await until(lambda: len(attempts_in(state)) > started_before)
    await kill_node(node)

    found = {record.key: record for record in await unrecovered.recover()}
    for key in found:
        with pytest.raises(AlreadyExistsError):
            await unrecovered.start(launching("/bin/sh", "-c", script, pod=key.pod_uid, cwd=state.parent))
    ended = [await unrecovered.wait(key) for key in found]

    runs = {path.name.removeprefix("ran-"): path.read_text().count("x") for path in state.parent.glob("ran-*")}
    assert len(ended) > started_before
    for record in ended:
        if record.state is ContainerState.LOST:
            assert runs.get(record.key.pod_uid, 0) <= 1
        else:
            assert (record.exit_code, runs[record.key.pod_uid]) == (0, 1)
    assert runs.keys() <= {record.key.pod_uid for record in ended}


async def test_killed_template_is_replaced(runtime: ContainerRuntime, launching: Launching) -> None:
    """When the process that forks shims is killed, running containers stay and the next start works."""
    before = await runtime.start(launching("/bin/sleep", "1000", pod="before"))
    template = runtime._launcher._template
    assert template is not None
    template.kill()
    template.wait()

    after = await runtime.start(launching("/bin/sh", "-c", "exit 3", pod="after"))

    assert (await runtime.wait(after.key)).exit_code == 3
    assert runtime.record(before.key) == before
    await runtime.kill(before.key)


async def test_template_killed_during_a_start(runtime: ContainerRuntime, launching: Launching) -> None:
    """A start that the template does not live to make is an error, and its attempt is over."""
    await runtime.wait((await runtime.start(launching("/bin/true", pod="first"))).key)
    template = runtime._launcher._template
    assert template is not None
    os.kill(template.pid, signal.SIGSTOP)
    launch = launching("/bin/true")
    starting = asyncio.ensure_future(runtime.start(launch))
    await asyncio.sleep(0.2)
    template.kill()

    with pytest.raises(StartError, match="was killed before"):
        await starting
    assert (await runtime.wait(launch.key)).exit_code == 128


async def test_killed_shim_is_a_lost_container(runtime: ContainerRuntime, launching: Launching) -> None:
    """When the shim itself is killed, the container dies with it, daemons too, and is told as lost at once."""
    script = "setsid sleep 1000 & echo $!; sleep 1000"
    started = await runtime.start(launching("/bin/sh", "-c", script))
    await until(lambda: bool(lines_of(runtime.log_path(started.key))))
    daemon = int(lines_of(runtime.log_path(started.key))[0])
    processes = attempt_of(runtime._root, started.key).processes()
    assert processes is not None

    os.kill(processes.shim.pid, signal.SIGKILL)
    ended = await runtime.wait(started.key)

    assert started.pid is not None
    assert (ended.state, ended.exit_code) == (ContainerState.LOST, None)
    assert (alive(started.pid), alive(daemon)) == (False, False)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
async def test_shim_ignores_what_ends_others(runtime: ContainerRuntime, launching: Launching, number: int) -> None:
    """A signal meant for a whole session does not cost the container its log or its exit code."""
    started = await runtime.start(launching("/bin/sh", "-c", "while [ ! -e go ]; do sleep 0.02; done; exit 5"))
    processes = attempt_of(runtime._root, started.key).processes()
    assert processes is not None

    os.kill(processes.shim.pid, number)
    (launching().cwd / "go").touch()

    assert (await runtime.wait(started.key)).exit_code == 5


async def test_number_that_another_process_has_now(unrecovered: ContainerRuntime, state: Path) -> None:
    """A pid that was given to a stranger since is not taken for the container: it is lost, the stranger untouched."""
    stranger = await asyncio.create_subprocess_exec("/bin/sleep", "1000")
    attempt = attempt_of(state, KEY)
    attempt.claim()
    identity = [stranger.pid, stat_field(stranger.pid, 22) - 1]
    (attempt.folder / "process").write_text(json.dumps({"shim": identity, "main": identity, "startedAt": 1.0}))

    (record,) = await unrecovered.recover()
    await unrecovered.kill(KEY)

    assert (record.state, record.started_at) == (ContainerState.LOST, 1.0)
    assert stranger.returncode is None
    stranger.kill()
    await stranger.wait()


async def test_strays_are_ended(unrecovered: ContainerRuntime, state: Path) -> None:
    """Processes that carry our markers and belong to no container are killed; those of other state stay."""
    mine = {"AUTOX_NODE_STATE": str(state), "AUTOX_POD_UID": "pod-0", "AUTOX_CONTAINER": "main/0"}
    stray = await asyncio.create_subprocess_exec("/bin/sleep", "1000", env=mine, start_new_session=True)
    other = await asyncio.create_subprocess_exec("/bin/sleep", "1000", env=mine | {"AUTOX_NODE_STATE": f"{state}2"})

    await unrecovered.recover()

    assert await stray.wait() == -signal.SIGKILL
    assert other.returncode is None
    other.kill()
    await other.wait()


async def test_damaged_records_are_lost_not_errors(unrecovered: ContainerRuntime, state: Path) -> None:
    """Empty or cut files, as a power cut leaves them, do not keep a node from starting."""
    for number, (process, ended) in enumerate([("", ""), ("{", "{"), ("null", "[]"), ("3", "")]):
        attempt = attempt_of(state, ContainerKey(pod_uid="pod-0", container="main", attempt=number))
        attempt.claim()
        (attempt.folder / "process").write_text(process)
        (attempt.folder / "exit").write_text(ended)

    found = await unrecovered.recover()

    assert [record.state for record in found] == [ContainerState.LOST] * 4


@pytest.mark.usefixtures("runtime")
async def test_one_runtime_for_each_state_directory(state: Path) -> None:
    """A second runtime on the same state directory is refused and told who has it; it disturbs nothing."""
    second = ContainerRuntime(state, node="b-node", log_limit=1 << 20)

    with pytest.raises(ConfigurationError, match=f"in use by node a-node, process {os.getpid()}"):
        await second.recover()

    await second.close()


@pytest.mark.usefixtures("runtime")
def test_state_directory_is_private(state: Path) -> None:
    """Nobody else can look into the state directory: pods' secrets are in it."""
    assert state.stat().st_mode & 0o777 == 0o700


async def test_state_directory_that_cannot_be_made(tmp_path: Path) -> None:
    """A state directory below a file is an error that names it."""
    (tmp_path / "file").touch()

    with pytest.raises(ConfigurationError, match="file/state cannot be used"):
        await ContainerRuntime(tmp_path / "file" / "state", node="n", log_limit=1).recover()


async def test_node_that_stops_leaves_its_containers(
    unrecovered: ContainerRuntime, state: Path, launching: Launching
) -> None:
    """Stopping a node in good order stops no container, and leaves no process but theirs."""
    async with ContainerRuntime(state, node="a-node", log_limit=1 << 20) as stopping:
        started = await stopping.start(launching("/bin/sleep", "1000", pod="pod-0"))

    assert [pid for pid, *_ in labelled_processes(state)] == [started.pid]
    assert [record.pid for record in await unrecovered.recover()] == [started.pid]
