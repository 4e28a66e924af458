"""Finding and ending the processes of a cluster by what the kernel says of them."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from autox.cluster.component import Component
from autox.cluster.labels import COMPONENT_LABEL, NODE_LABEL
from autox.cluster.logs import follow, tail
from autox.cluster.processes import Running, components_of, end, find, start
from autox.model.errors import NotFoundError, PermanentError
from autox.nodes.process.runtime.processes import STATE_LABEL

SLEEP = "import time; print('started', flush=True); time.sleep(60)"
STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('started', flush=True); time.sleep(60)"
)


def component(name: str = "etcd", program: str = SLEEP, **environment: str) -> Component:
    """A component that is a small Python program."""
    return Component(name=name, argv=(sys.executable, "-c", program), environment=environment, listeners=(), health=())


@pytest.fixture
async def directory(tmp_path: Path) -> Path:
    """A cluster's directory."""
    return tmp_path


@pytest.fixture(autouse=True)
def _ended(tmp_path: Path) -> Iterator[None]:
    """Nothing a test started is left, however it ends."""
    yield
    for running in find(tmp_path):
        running.process.kill()
        running.process.wait()


def started(running: Running, log: Path) -> Running:
    """The process once it has said that it runs."""
    while "started" not in tail(log, lines=1):
        assert not running.has_ended()
        time.sleep(0.01)
    return running


async def test_found_by_its_labels(directory: Path) -> None:
    """A component is found with its name and digest, without any record of it, and by its own cluster only."""
    wanted = component()
    running = started(start(wanted, directory=directory, log=directory / "log"), directory / "log")

    found = components_of(find(directory))

    assert {name: (each.pid, each.digest) for name, each in found.items()} == {"etcd": (running.pid, wanted.digest)}
    assert find(directory / "other") == []
    assert find(Path(f"{directory}-and-more")) == []


def test_a_node_and_its_cluster_have_one_label() -> None:
    """What a process node writes on its containers is what its cluster knows them by."""
    assert NODE_LABEL == STATE_LABEL


async def test_containers_belong_to_the_cluster(directory: Path) -> None:
    """A process that a node of the cluster started is found too, and is no component."""
    environment = {NODE_LABEL: str(directory / "nodes")}
    with subprocess.Popen(  # noqa: ASYNC220  - a container is no child of any event loop
        [sys.executable, "-c", SLEEP], env=environment, stdout=subprocess.PIPE
    ) as container:
        assert container.stdout is not None
        container.stdout.readline()
        found = find(directory)
        container.kill()

    assert [(each.component, each.pid) for each in found] == [("", container.pid)]


async def test_digest_follows_everything_that_matters() -> None:
    """Another flag, another variable or another configuration is another digest."""
    plain = component()

    assert component().digest == plain.digest
    assert component(GOGC="50").digest != plain.digest
    assert component(program=STUBBORN).digest != plain.digest
    assert (
        Component(name="etcd", argv=plain.argv, environment={}, listeners=(), health=(), content="x").digest
        != plain.digest
    )


@pytest.mark.parametrize(("program", "grace"), [(SLEEP, 10.0), (STUBBORN, 0.2), (STUBBORN, 0.0)])
async def test_ended(directory: Path, program: str, grace: float) -> None:
    """A process ends when asked, and is made to where it would not."""
    running = started(start(component(program=program), directory=directory, log=directory / "log"), directory / "log")

    await end([running], grace=grace)

    assert running.has_ended()
    assert find(directory) == []


async def test_ended_twice(directory: Path) -> None:
    """Ending what has ended is nothing to complain about."""
    running = start(component(), directory=directory, log=directory / "log")

    await end([running], grace=0)
    await end([running], grace=1)


async def test_own_session(directory: Path) -> None:
    """Ctrl-C in the user's terminal does not reach the cluster."""
    running = started(start(component(), directory=directory, log=directory / "log"), directory / "log")

    assert os.getsid(running.pid) == running.pid


async def test_program_that_is_not_there(directory: Path) -> None:
    """A binary that has gone is told by its path."""
    missing = Component(name="etcd", argv=(str(directory / "etcd"),), environment={}, listeners=(), health=())

    with pytest.raises(PermanentError, match=r"cannot start .*/etcd"):
        start(missing, directory=directory, log=directory / "log")


def test_last_lines(tmp_path: Path) -> None:
    """The last lines of a long log are shown, whatever bytes are in it."""
    log = tmp_path / "log"
    log.write_bytes(b"".join(b"line %d \xff\n" % index for index in range(50_000)))

    assert tail(log, lines=2) == "line 49998 \ufffd\nline 49999 \ufffd"
    assert tail(log, lines=0) == ""
    assert tail(tmp_path / "none", lines=5) == ""


def test_following(tmp_path: Path) -> None:
    """Following shows what is appended, and goes on when the log starts anew."""
    log = tmp_path / "log"
    log.write_text("one\ntwo\n")
    lines = follow(log, lines=1)

    assert next(lines) == "two\n"
    with log.open("a") as file:
        file.write("three\n")
    assert next(lines) == "three\n"
    log.write_text("4\n")
    assert next(lines) == "4\n"


def test_following_nothing(tmp_path: Path) -> None:
    """A log that does not exist is an error, not an empty screen."""
    with pytest.raises(NotFoundError, match="no log"):
        next(follow(tmp_path / "none", lines=1))


def test_a_node_process_is_one_process(tmp_path: Path) -> None:
    """A nodes component that reads its file has no child that would be taken for a second one."""
    (tmp_path / "nodes.json").write_text("{}")
    environ = {**os.environ, COMPONENT_LABEL: "nodes"}
    traced = (
        "import os, sys\n"
        "os.fork = lambda: sys.exit('forked')\n"
        "from autox.cli.main import main\n"
        f"sys.argv = ['autox', 'nodes', 'run', '--config', {str(tmp_path / 'nodes.json')!r}]\n"
        "main()\n"
    )
    told = subprocess.run([sys.executable, "-c", traced], env=environ, capture_output=True, text=True, check=False)

    assert told.returncode == 2
    assert "provider" in told.stderr
