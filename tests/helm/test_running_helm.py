"""Helm is run without a shell, for a limited time, with a limited output, and sees and shows no more than it must.

A script stands in for helm: the real one stalls and floods only on bad days.
"""

import asyncio
import json
import logging
import os
import resource
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import psutil
import pytest

from autox.adapters import helm_command, processes
from autox.adapters.helm import HelmReleases
from autox.adapters.processes import Program
from autox.kube.client import KubeClient
from autox.model.errors import AutoxError, ConfigurationError, DeadlineError, TransientError
from tests.clusters import wait_for
from tests.containers.waiting import alive, until
from tests.helm.scene import Scene

StandIn = Callable[[str], dict[str, str]]
Place = Callable[..., AbstractAsyncContextManager[Scene]]
TOKEN = "tok-5f2c9e7a1b"

pytestmark = pytest.mark.integration


@pytest.fixture
def place(kube: KubeClient, namespace: str, charts: Path) -> Place:
    """Opens releases in an environment."""

    @asynccontextmanager
    async def opened(environ: dict[str, str], *, seconds: float = 60.0) -> AsyncIterator[Scene]:
        releases = await HelmReleases.open(kube, charts=charts, environ=environ, seconds=seconds)
        try:
            yield Scene(kube=kube, namespace=namespace, releases=releases)
        finally:
            await releases.close()

    return opened


async def _file(path: Path) -> str:
    """The content of a file that a stand-in writes, as soon as it is there."""
    await until(lambda: path.is_file() and path.stat().st_size > 0)
    return await asyncio.to_thread(path.read_text)


async def _end_of(pid: int) -> None:
    """Wait until a process has ended."""
    await until(lambda: not alive(pid))


async def test_a_helm_that_stalls_is_ended(stand_in: StandIn, place: Place, tmp_path: Path) -> None:
    """After the limit the attempt is given up, and nothing of helm runs on."""
    environ = stand_in("sleep 600 & echo $! > child; wait")
    async with place(environ, seconds=0.5) as scene:
        with pytest.raises(DeadlineError, match=r"helm did not end within 0\.5 s"):
            await scene.install("web-1")

    await _end_of(int(await _file(tmp_path / "child")))


async def test_a_helm_that_does_not_listen_is_killed(
    stand_in: StandIn, place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SIGTERM first; SIGKILL for the group if that does not help."""
    monkeypatch.setattr(processes, "GRACE_SECONDS", 0.3)
    environ = stand_in("trap '' TERM; echo $$ > pid; while :; do sleep 0.1; done")
    async with place(environ, seconds=0.5) as scene:
        with pytest.raises(DeadlineError):
            await scene.install("web-1")

    await _end_of(int(await _file(tmp_path / "pid")))


async def test_a_helm_that_floods_is_read_and_forgotten(stand_in: StandIn, place: Place) -> None:
    """A hundred megabytes of errors neither block helm nor fill our memory; the first of them are told."""
    environ = stand_in("echo 'Error: INSTALLATION FAILED: it is broken' >&2; head -c 100000000 /dev/zero >&2; exit 1")
    before = psutil.Process().memory_info().rss
    async with place(environ) as scene:
        with pytest.raises(ConfigurationError, match="install web-1: it is broken") as refused:
            await scene.install("web-1")

    assert len(refused.value.message) < 1000
    assert psutil.Process().memory_info().rss - before < 50_000_000


async def test_a_helm_that_fails_without_a_word_may_do_better_next_time(stand_in: StandIn, place: Place) -> None:
    """Nothing is known, so nothing is held against the chart."""
    async with place(stand_in("exit 1")) as scene:
        with pytest.raises(TransientError, match="said nothing"):
            await scene.install("web-1")


async def test_a_helm_that_the_kernel_killed_may_do_better_next_time(stand_in: StandIn, place: Place) -> None:
    """Out of memory is no mistake of the chart."""
    async with place(stand_in("kill -KILL $$")) as scene:
        with pytest.raises(TransientError, match="ended by signal 9"):
            await scene.install("web-1")


async def test_a_shortage_of_files_is_no_mistake_of_the_chart(tmp_path: Path) -> None:
    """A machine that is short of something for a moment costs a second try, not the verdict."""
    program = processes.Program(argv=["/bin/true"], environ={}, directory=tmp_path, seconds=5.0, output_bytes=10)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
    try:
        with pytest.raises(TransientError, match="true cannot be run: Too many open files"):
            await processes.run(program)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    assert (await processes.run(program)).code == 0


async def test_a_helm_that_does_not_read_its_values_is_heard(stand_in: StandIn, place: Place) -> None:
    """Megabytes of values in a pipe that nobody reads hide no error message."""
    async with place(stand_in("echo 'Error: no thank you' >&2; exit 1")) as scene:
        with pytest.raises(ConfigurationError, match="no thank you"):
            await scene.install("web-1", values={"large": "x" * 4_000_000})


async def test_cancelling_ends_helm_and_its_children(stand_in: StandIn, place: Place, tmp_path: Path) -> None:
    """A controller that is told to stop leaves no helm behind, and no credential plugin of helm's."""
    environ = stand_in("trap 'echo yes > told; exit 1' TERM; sleep 600 & echo $! > child; wait")
    async with place(environ) as scene:
        attempt = asyncio.create_task(scene.install("web-1"))
        child = int(await _file(tmp_path / "child"))
        attempt.cancel()
        with pytest.raises(asyncio.CancelledError):
            await attempt

    assert await _file(tmp_path / "told") == "yes\n"
    await _end_of(child)


async def test_cancelling_a_start_ends_helm_and_its_children(tmp_path: Path) -> None:
    """One that is told to stop before it knows that helm runs leaves none of it, either."""
    script = "trap 'echo yes > told; exit 1' TERM; sleep 600 & echo $! > child; wait"
    program = Program(
        argv=("/bin/sh", "-c", script), environ=os.environ, directory=tmp_path, seconds=60.0, output_bytes=0
    )
    attempt = asyncio.create_task(processes.run(program))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    # NB: the event loop stands still meanwhile, and has not heard of the program.
    wait_for("the program", lambda: (tmp_path / "child").is_file() and (tmp_path / "child").read_text())
    attempt.cancel()
    with pytest.raises(asyncio.CancelledError):
        await attempt

    assert await _file(tmp_path / "told") == "yes\n"
    await _end_of(int((tmp_path / "child").read_text()))


async def test_cancelling_a_start_that_fails_is_cancelling(tmp_path: Path) -> None:
    """One that is told to stop stops, also where there is no helm: that is no error of an experiment."""
    program = Program(
        argv=(str(tmp_path / "helm"),), environ=os.environ, directory=tmp_path, seconds=60.0, output_bytes=0
    )
    attempt = asyncio.create_task(processes.run(program))
    await asyncio.sleep(0)
    attempt.cancel()
    with pytest.raises(asyncio.CancelledError):
        await attempt


async def test_a_helm_that_was_stopped_is_ended_all_the_same(
    stand_in: StandIn, place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that SIGSTOP holds cannot act on SIGTERM."""
    monkeypatch.setattr(processes, "GRACE_SECONDS", 0.3)
    async with place(stand_in("echo $$ > pid; sleep 600"), seconds=1.0) as scene:
        attempt = asyncio.create_task(scene.install("web-1"))
        pid = int(await _file(tmp_path / "pid"))
        os.kill(pid, signal.SIGSTOP)
        with pytest.raises(DeadlineError):
            await attempt

    await _end_of(pid)


async def test_values_stand_in_no_argument_environment_or_log(
    stand_in: StandIn, place: Place, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """They go through stdin; what other users of the machine can see, and what logs keep, has none of them."""
    caplog.set_level(logging.DEBUG)
    environ = stand_in("cat > given; echo $$ > pid; sleep 600; exit 1")
    async with place(environ) as scene:
        attempt = asyncio.create_task(scene.install("web-1", values={"token": TOKEN}))
        helm = psutil.Process(int(await _file(tmp_path / "pid")))
        words, variables = helm.cmdline(), helm.environ()
        attempt.cancel()
        await asyncio.gather(attempt, return_exceptions=True)

    assert json.loads(await _file(tmp_path / "given")) == {"token": TOKEN}
    assert TOKEN not in " ".join([*words, *variables.values(), caplog.text])
    assert words[2:4] == ["install", "web-1"]
    assert not [word for word in words if word.startswith(("--wait", "--create-namespace", "--set", "--kube-token"))]


async def test_helm_sees_only_what_it_needs(
    stand_in: StandIn, place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither our own secrets nor a user's settings of helm are in its environment."""
    monkeypatch.setenv("CI_JOB_TOKEN", TOKEN)
    monkeypatch.setenv("HELM_DRIVER", "memory")
    monkeypatch.setenv("HELM_PLUGINS", "/elsewhere")
    environ = stand_in("env > seen; pwd > where; cat > /dev/null; exit 1")
    environ |= {"CI_JOB_TOKEN": TOKEN, "HELM_PLUGINS": "/elsewhere", "HTTPS_PROXY": "http://proxy.example:3128"}
    async with place(environ) as scene:
        with pytest.raises(AutoxError):
            await scene.install("web-1")

    seen = dict(line.split("=", 1) for line in (await _file(tmp_path / "seen")).splitlines())
    assert not {"CI_JOB_TOKEN", "HELM_PLUGINS"} & seen.keys()
    assert (seen["HELM_DRIVER"], seen["HTTPS_PROXY"]) == ("secret", "http://proxy.example:3128")


async def test_what_helm_was_given_is_gone_after_closing(kube: KubeClient, charts: Path, stand_in: StandIn) -> None:
    """The private directory is private, and temporary."""
    releases = await HelmReleases.open(kube, charts=charts, environ=stand_in("exit 0"))
    directory = releases._home.directory
    assert directory.stat().st_mode & 0o777 == 0o700

    await releases.close()

    assert not directory.exists()


async def test_without_helm_nothing_begins(kube: KubeClient, charts: Path, tmp_path: Path) -> None:
    """It is told at the start, not at the first launch."""
    with pytest.raises(ConfigurationError, match="helm is not on PATH"):
        await HelmReleases.open(kube, charts=charts, environ={"PATH": str(tmp_path)})


@pytest.mark.parametrize(
    ("version", "said"),
    [("v3.12.3", "too old"), ("v2.17.0+g1", "too old"), ("banana", "does not say"), ("", "not say")],
)
async def test_a_helm_that_is_too_old_is_refused(
    place: Place, stand_in: StandIn, tmp_path: Path, version: str, said: str
) -> None:
    """Older ones know no labels; something else named helm is no helm."""
    environ = stand_in("")
    (tmp_path / "programs" / "helm").write_text(f"#!/bin/sh\necho '{version}'\n")

    with pytest.raises(ConfigurationError, match=said):
        async with place(environ):
            pass


async def test_a_helm_that_does_not_even_say_its_version_is_refused(
    place: Place, stand_in: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is waited for in a thread and for a limited time; nothing else stands still meanwhile."""
    monkeypatch.setattr(helm_command, "VERSION_SECONDS", 0.3)
    environ = stand_in("")
    (tmp_path / "programs" / "helm").write_text("#!/bin/sh\nexec sleep 600\n")

    with pytest.raises(ConfigurationError, match="does not say"):
        async with place(environ):
            pass
