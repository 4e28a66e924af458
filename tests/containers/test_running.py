"""What a container gets, and what is left of it: nothing but its log and how it ended."""

import ast
import asyncio
import os
import resource
import signal
import sys
from pathlib import Path

import pytest

from autox.model.errors import AlreadyExistsError, DeadlineError, InvalidError, NotFoundError, StartError
from autox.nodes.process.runtime.attempts import attempt_of
from autox.nodes.process.runtime.containers import ContainerKey, ContainerRuntime, ContainerState
from tests.containers.conftest import Launching, lines_of
from tests.containers.waiting import alive, until


@pytest.mark.parametrize("code", [0, 1, 7, 255])
async def test_exit_code_is_kept(runtime: ContainerRuntime, launching: Launching, code: int) -> None:
    """The exit code of the command is the exit code of the container."""
    started = await runtime.start(launching("/bin/sh", "-c", f"exit {code}"))

    ended = await runtime.wait(started.key)

    assert (ended.state, ended.exit_code, ended.signal) == (ContainerState.EXITED, code, None)
    assert ended.finished_at is not None
    assert ended.started_at <= ended.finished_at


async def test_death_by_signal_is_told(runtime: ContainerRuntime, launching: Launching) -> None:
    """A container that a signal ended shows the signal, and 128 + its number as every runtime does."""
    started = await runtime.start(launching("/bin/sh", "-c", "kill -SEGV $$"))

    ended = await runtime.wait(started.key)

    assert (ended.exit_code, ended.signal) == (139, signal.SIGSEGV)


async def test_arguments_and_variables_arrive_as_they_are(runtime: ContainerRuntime, launching: Launching) -> None:
    """Unicode, newlines, quotes and bytes that are no text reach the process unchanged."""
    value = "ünï\n'\"$HOME\udcff =x"
    started = await runtime.start(
        launching("/bin/sh", "-c", 'printf "%s" "$0"; printf "%s" "$V"', value, env={"V": value})
    )

    await runtime.wait(started.key)

    assert "\n".join(lines_of(runtime.log_path(started.key))) == value.replace("\n", "\n") + value


async def test_environment_is_only_what_was_given(
    runtime: ContainerRuntime, launching: Launching, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of the node's own environment leaks; the markers by which strays are found are added."""
    monkeypatch.setenv("KUBECONFIG", "/somebody/elses")
    started = await runtime.start(launching("/usr/bin/env", env={"A": "1"}))

    await runtime.wait(started.key)

    assert sorted(lines_of(runtime.log_path(started.key))) == [
        "A=1",
        "AUTOX_CONTAINER=main/0",
        f"AUTOX_NODE_STATE={state}",
        "AUTOX_POD_UID=pod-1",
        "PATH=/usr/bin:/bin",
    ]


async def test_nothing_of_the_node_is_inherited(runtime: ContainerRuntime, launching: Launching) -> None:
    """No open file, ignored or blocked signal of ours reaches the container."""
    look = (
        "import os, signal\n"
        "print(sorted(int(n) for n in os.listdir('/proc/self/fd'))[:-1])\n"
        "status = open('/proc/self/status').read().split('\\n')\n"
        "print([line.split()[1] for line in status if line.startswith(('SigBlk', 'SigIgn'))])\n"
        "print(oct(os.umask(0)), os.getpid() == os.getsid(0) == os.getpgid(0))\n"
    )
    leak = os.open("/dev/null", os.O_RDONLY)
    os.set_inheritable(leak, True)
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    try:
        started = await runtime.start(launching(sys.executable, "-S", "-c", look))
        await runtime.wait(started.key)
    finally:
        signal.signal(signal.SIGUSR1, signal.SIG_DFL)
        os.close(leak)

    shown = lines_of(runtime.log_path(started.key))
    assert shown[0] == "[0, 1, 2]"
    # NB: Python itself ignores SIGPIPE (13) and SIGXFSZ (25); that was not inherited. 32 and 33 are the C library's
    # own: it lets no program set them, so whatever ran before all of us decides.
    blocked, ignored = (int(mask, 16) & ~(0b11 << 31) for mask in ast.literal_eval(shown[1]))
    assert (blocked, ignored) == (0, 1 << 12 | 1 << 24)
    assert shown[2] == "0o22 True"


async def test_children_end_with_the_main_process(
    runtime: ContainerRuntime, launching: Launching, tmp_path: Path
) -> None:
    """When the main process ends, background children, daemons in sessions of their own and stopped ones end too."""
    script = (
        "sleep 1000 & echo $! >>pids\n"
        "setsid sh -c 'sleep 1000 & echo $! >>pids; wait' &\n"
        "(setsid sh -c 'trap \"\" TERM HUP; echo $$ >>pids; sleep 1000; sleep 1000' &)\n"
        "sleep 1000 & kill -STOP $!; echo $! >>pids\n"
        "while [ $(wc -l <pids) -lt 4 ]; do sleep 0.01; done; exit 3"
    )
    started = await runtime.start(launching("/bin/sh", "-c", script))

    ended = await runtime.wait(started.key)

    pids = [int(line) for line in (tmp_path / "pids").read_text().split()]
    assert ended.exit_code == 3
    assert [pid for pid in pids if alive(pid)] == []


async def test_sigterm_reaches_the_main_process_alone(
    runtime: ContainerRuntime, launching: Launching, tmp_path: Path
) -> None:
    """SIGTERM goes to the main process, which decides what becomes of its children."""
    script = (
        "sh -c 'trap \"echo child >>got\" TERM; touch child; while :; do sleep 0.05; done' &\n"
        "trap 'echo main >>got; sleep 0.3; exit 5' TERM; touch main; while :; do sleep 0.05; done"
    )
    started = await runtime.start(launching("/bin/sh", "-c", script))
    await until(lambda: (tmp_path / "main").exists() and (tmp_path / "child").exists())

    await runtime.signal(started.key, signal.SIGTERM)
    ended = await runtime.wait(started.key)

    assert (ended.exit_code, (tmp_path / "got").read_text()) == (5, "main\n")


async def test_kill_ends_everything(runtime: ContainerRuntime, launching: Launching) -> None:
    """A container that ignores SIGTERM is killed, children included; killing it again does nothing."""
    started = await runtime.start(launching("/bin/sh", "-c", "trap '' TERM; sleep 1000 & echo $!; wait; wait"))
    await until(lambda: bool(lines_of(runtime.log_path(started.key))))

    await runtime.signal(started.key, signal.SIGTERM)
    await runtime.kill(started.key)
    await runtime.kill(started.key)
    await runtime.signal(started.key, signal.SIGTERM)

    ended = runtime.record(started.key)
    assert ended is not None
    assert (ended.exit_code, ended.signal, ended.pid) == (137, signal.SIGKILL, None)
    assert not alive(int(lines_of(runtime.log_path(started.key))[0]))


async def test_same_attempt_never_starts_twice(runtime: ContainerRuntime, launching: Launching, tmp_path: Path) -> None:
    """Of many starts of the same attempt at the same time one runs, and the others are told."""
    launch = launching("/bin/sh", "-c", "echo x >>ran")

    answers = await asyncio.gather(*(runtime.start(launch) for _ in range(20)), return_exceptions=True)
    await runtime.wait(launch.key)

    assert sum(isinstance(answer, AlreadyExistsError) for answer in answers) == 19
    assert (tmp_path / "ran").read_text() == "x\n"


@pytest.mark.parametrize(
    ("argv", "cwd", "words"),
    [
        (("/no/such/command",), "/", "cannot execute /no/such/command: No such file or directory"),
        (("/etc/passwd",), "/", "cannot execute /etc/passwd: Permission denied"),
        (("/etc",), "/", "cannot execute /etc: Permission denied"),
        (("/bin/true",), "/no/such/folder", "cannot enter working directory /no/such/folder: No such file"),
        (("/bin/true",), "/etc/passwd", "cannot enter working directory /etc/passwd: Not a directory"),
        (("/bin/true", "x" * 200_000), "/", "larger than the system allows"),
        (("/bin/true", "a\0b"), "/", "NUL"),
        ((), "/", "no command"),
    ],
)
async def test_what_cannot_be_started_says_why(
    runtime: ContainerRuntime, launching: Launching, argv: tuple[str, ...], cwd: str, words: str
) -> None:
    """A command that is missing, not executable or too long is an error in plain words, and leaves nothing running."""
    with pytest.raises(StartError, match=words):
        await runtime.start(launching(*argv, cwd=Path(cwd)))


async def test_failed_start_is_an_end(runtime: ContainerRuntime, launching: Launching) -> None:
    """An attempt that could not be executed is over, with the exit code that container runtimes give it."""
    launch = launching("/no/such/command")

    with pytest.raises(StartError):
        await runtime.start(launch)

    ended = await runtime.wait(launch.key)
    assert (ended.state, ended.exit_code) == (ContainerState.EXITED, 128)
    with pytest.raises(AlreadyExistsError):
        await runtime.start(launch)


async def test_secret_in_a_refused_variable_is_not_repeated(runtime: ContainerRuntime, launching: Launching) -> None:
    """The error about a variable that cannot be set does not show its value."""
    with pytest.raises(StartError) as caught:
        await runtime.start(launching("/bin/true", env={"TOKEN": "s3cret\0"}))

    assert "s3cret" not in str(caught.value)


async def test_launch_leaves_no_secret_in_a_file(runtime: ContainerRuntime, launching: Launching, state: Path) -> None:
    """Neither variables nor arguments are written anywhere in the state directory, nor in a command line of ours."""
    started = await runtime.start(launching("/bin/sleep", "1000", env={"TOKEN": "s3cret"}))

    assert _holding(b"s3cret", state) == []
    await runtime.kill(started.key)


async def test_two_hundred_at_once(runtime: ContainerRuntime, launching: Launching) -> None:
    """Two hundred containers run at the same time, and each ends with its own exit code."""
    launches = [launching("/bin/sh", "-c", f"read x <go; exit {n}", pod=f"pod-{n}") for n in range(200)]
    gate = launches[0].cwd / "go"
    os.mkfifo(gate)

    started = await asyncio.gather(*(runtime.start(launch) for launch in launches))
    assert {record.state for record in started} == {ContainerState.RUNNING}
    opened = os.open(gate, os.O_RDWR)
    os.write(opened, b"\n" * 200)
    ended = await asyncio.gather(*(runtime.wait(launch.key) for launch in launches))
    os.close(opened)

    assert [record.exit_code for record in ended] == list(range(200))


async def test_cancelled_start_is_still_known(runtime: ContainerRuntime, launching: Launching) -> None:
    """Whoever stops waiting for a start does not lose the container."""
    launch = launching("/bin/sh", "-c", "exit 4")
    starting = asyncio.ensure_future(runtime.start(launch))
    await asyncio.sleep(0)

    starting.cancel()

    assert (await runtime.wait(launch.key)).exit_code == 4


async def test_command_runs_inside(runtime: ContainerRuntime, launching: Launching, tmp_path: Path) -> None:
    """A probe's command has the container's environment and directory, and both its outputs are returned."""
    started = await runtime.start(launching("/bin/sleep", "1000", env={"A": "ä"}))

    answer = await runtime.run_inside(started.key, ["/bin/sh", "-c", "echo $A; pwd >&2; exit 9"], timeout=60)

    assert answer == (9, f"ä\n{tmp_path}\n".encode())
    await runtime.kill(started.key)


async def test_command_inside_is_found_by_the_containers_path(
    runtime: ContainerRuntime, launching: Launching, tmp_path: Path
) -> None:
    """The first example of a probe that anybody reads is ``cat /tmp/healthy``: a name alone was never found (127)."""
    (tmp_path / "ours").mkdir()
    (tmp_path / "ours" / "told").write_text("#!/bin/sh\necho by a script\n")
    (tmp_path / "ours" / "told").chmod(0o755)
    (tmp_path / "healthy").write_text("yes")
    started = await runtime.start(
        launching("/bin/sleep", "1000", env={"PATH": f"/nowhere:{tmp_path}/ours:/usr/bin:/bin"})
    )

    assert await runtime.run_inside(started.key, ["cat", "healthy"], timeout=60) == (0, b"yes")
    assert await runtime.run_inside(started.key, ["told"], timeout=60) == (0, b"by a script\n")
    assert await runtime.run_inside(started.key, ["no-such"], timeout=60) == (
        127,
        b"cannot execute no-such: No such file or directory",
    )
    await runtime.kill(started.key)


async def test_command_inside_where_there_is_no_room(runtime: ContainerRuntime, launching: Launching) -> None:
    """A probe that cannot be started fails by itself: it ended the shim, and so the container, as lost."""
    started = await runtime.start(launching("/bin/sleep", "1000"))
    processes = attempt_of(runtime._root, started.key).processes()
    assert processes is not None
    shim = processes.shim.pid
    before = resource.prlimit(shim, resource.RLIMIT_NOFILE)
    room = _free_descriptors(shim)[3]  # for the visitor, its question and half a pipe
    resource.prlimit(shim, resource.RLIMIT_NOFILE, (room, before[1]))

    refused = await runtime.run_inside(started.key, ["/bin/true"], timeout=60)
    resource.prlimit(shim, resource.RLIMIT_NOFILE, before)

    assert refused == (126, b"cannot execute /bin/true: Too many open files")
    assert (await runtime.run_inside(started.key, ["/bin/true"], timeout=60))[0] == 0
    assert runtime.record(started.key) == started
    await runtime.kill(started.key)


async def test_command_inside_that_takes_too_long(runtime: ContainerRuntime, launching: Launching) -> None:
    """A command that takes longer than its timeout is killed, its children too, and the container goes on."""
    started = await runtime.start(launching("/bin/sleep", "1000"))

    with pytest.raises(DeadlineError, match="timed out"):
        await runtime.run_inside(started.key, ["/bin/sh", "-c", "sleep 987654 & echo; wait"], timeout=0.3)

    await until(lambda: not _running("987654"))
    assert runtime.record(started.key) == started
    await runtime.kill(started.key)


@pytest.mark.parametrize(
    ("argv", "code"), [(["/no/such"], 127), (["/etc/passwd"], 126), (["/bin/sh", "-c", "kill -9 $$"], 137)]
)
async def test_command_inside_that_fails(
    runtime: ContainerRuntime, launching: Launching, argv: list[str], code: int
) -> None:
    """Commands that are missing, not executable or killed give the codes that a shell would."""
    started = await runtime.start(launching("/bin/sleep", "1000"))

    assert (await runtime.run_inside(started.key, argv, timeout=60))[0] == code

    await runtime.kill(started.key)


async def test_command_inside_with_endless_output(runtime: ContainerRuntime, launching: Launching) -> None:
    """Of a command that writes megabytes the first 64 KiB are kept, and it is not held up."""
    started = await runtime.start(launching("/bin/sleep", "1000"))

    code, output = await runtime.run_inside(started.key, ["/bin/sh", "-c", "yes | head -c 3000000"], timeout=60)

    assert (code, output) == (0, b"y\n" * 32768)
    await runtime.kill(started.key)


async def test_command_inside_dies_with_the_container(runtime: ContainerRuntime, launching: Launching) -> None:
    """A command that is running when its container ends is killed; nothing waits for it."""
    started = await runtime.start(launching("/bin/sleep", "1000"))
    inside = asyncio.ensure_future(runtime.run_inside(started.key, ["/bin/sh", "-c", "sleep 1000"], timeout=60))
    await asyncio.sleep(0.1)

    await runtime.kill(started.key)

    assert (await inside)[0] == 137
    with pytest.raises(NotFoundError):
        await runtime.run_inside(started.key, ["/bin/true"], timeout=60)


async def test_commands_that_cannot_be_asked_for(runtime: ContainerRuntime, launching: Launching) -> None:
    """An empty command, one with a NUL, one too long to send and one for no container are refused in words."""
    started = await runtime.start(launching("/bin/sleep", "1000"))
    for argv in ([], ["a\0"], ["/bin/true", "x" * 10_000_000]):
        with pytest.raises(InvalidError):
            await runtime.run_inside(started.key, argv, timeout=60)
    with pytest.raises(NotFoundError):
        await runtime.run_inside(ContainerKey(pod_uid="no", container="no", attempt=0), ["/bin/true"], timeout=60)
    await runtime.kill(started.key)


async def test_removed_pod_leaves_nothing(runtime: ContainerRuntime, launching: Launching, state: Path) -> None:
    """Removing a pod kills what runs of it and removes its files, those it locked away included; others stay."""
    folder = state / "pods" / "pod-1" / "volumes" / "data"
    folder.mkdir(parents=True)
    script = f"mkdir -p {folder}/a/b; touch {folder}/a/b/c; chmod 0 {folder}/a/b {folder}/a; echo; sleep 1000"
    started = await runtime.start(launching("/bin/sh", "-c", script))
    other = await runtime.start(launching("/bin/sleep", "1000", pod="pod-2"))
    await until(lambda: bool(lines_of(runtime.log_path(started.key))))

    await runtime.remove_pod("pod-1")
    await runtime.remove_pod("pod-1")

    assert started.pid is not None
    assert not alive(started.pid)
    assert runtime.record(started.key) is None
    assert [path.name for path in (state / "pods").iterdir()] == ["pod-2"]
    assert list((state / "removed").iterdir()) == []
    assert runtime.record(other.key) == other
    await runtime.kill(other.key)


async def test_old_attempts_make_room(runtime: ContainerRuntime, launching: Launching, state: Path) -> None:
    """Of a container that crashes again and again, the newest attempt and the one before it are kept."""
    for attempt in range(4):
        started = await runtime.start(launching("/bin/false", attempt=attempt))
        await runtime.wait(started.key)

    kept = sorted(path.name for path in (state / "pods" / "pod-1" / "containers" / "main").iterdir())
    assert kept == ["2", "3"]


@pytest.mark.parametrize(("pod", "container"), [("../x", "main"), ("pod-1", ".."), ("", "main"), ("pod-1", "a/b")])
async def test_names_cannot_leave_the_state_directory(
    runtime: ContainerRuntime, launching: Launching, pod: str, container: str
) -> None:
    """A pod UID or container name that would be a path is refused."""
    with pytest.raises(InvalidError):
        await runtime.start(launching("/bin/true", pod=pod, container=container))


def _holding(secret: bytes, state: Path) -> list[Path]:
    files = [path for path in state.rglob("*") if path.is_file()]
    return [path for path in (*files, *Path("/proc").glob("[0-9]*/cmdline")) if secret in _content(path)]


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _free_descriptors(pid: int) -> list[int]:
    """The numbers of the files that a process may open next, in their order."""
    taken = {int(each.name) for each in Path(f"/proc/{pid}/fd").iterdir()}
    return [number for number in range(1024) if number not in taken]


def _running(argument: str) -> bool:
    return any(argument.encode() in _content(path).split(b"\0") for path in Path("/proc").glob("[0-9]*/cmdline"))
