"""Kill the controller, its Helm, or both at every step of a launch, and count in the audit log what came of it.

    python -m tests.controller.killing [--steps 100] [--random 100]

Each round names a new version, kills around one write of its launch (or at a random moment), starts the controller
again as a kubelet does, and waits until the version's experiment runs. At the end all opt out. A Job that was made
twice is a double, a version without one is lost, and whatever is there after opting out but records and results is
left over. The API server is a real one; nothing runs the pods of its Jobs, so that a round takes seconds.
"""

import argparse
import asyncio
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autox.api.crds import crds
from autox.api.experiments import record_from_object
from autox.cluster.binaries.tools import Tool
from autox.core.experiments.deciding import is_live
from autox.kube.auth import from_kubeconfig
from autox.kube.client import KubeClient
from autox.kube.objects import Object, metadata
from autox.model.errors import AutoxError
from autox.model.groups import OPT_IN_LABEL, VERSION_LABEL
from autox.model.refs import (
    CONFIG_MAPS,
    CRON_JOBS,
    EXPERIMENT_GROUPS,
    EXPERIMENTS,
    JOBS,
    NAMESPACES,
    ROLE_BINDINGS,
    ROLES,
    SECRETS,
    SERVICE_ACCOUNTS,
)
from autox.model.verdict import Phase
from tests.clusters import BRIEFLY
from tests.controller.conftest import DEFINITIONS
from tests.controller.failpoints import Door, Failpoint, Step, kill_below
from tests.forking import AUTOX, Forked, fork
from tests.kube.apiserver import ApiServer, program

HOME, PLACE = "autox", "tested"
ROUND_SECONDS = 90.0
SPEC: Object = {
    "name": "experiment",
    "values": {"tasks": ["http"], "http": {"url": "http://web.invalid/"}, "runner": "job"},
}
KINDS = (JOBS, CRON_JOBS, SECRETS, SERVICE_ACCOUNTS, ROLES, ROLE_BINDINGS)
POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [{"level": "Metadata", "resources": [{"group": "batch", "resources": ["jobs"]}]}, {"level": "None"}],
}


@dataclass(slots=True)
class Tally:
    """What came of the rounds.

    Attributes:
        jobs: the experiment of each version.
        seconds: from the kill to the version's running experiment, by how it was killed.
        kills: how often each was killed.
        lost: versions that were not tested in time.
    """

    jobs: dict[str, str] = field(default_factory=dict)
    seconds: dict[str, list[float]] = field(default_factory=dict)
    kills: Counter[str] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What is wrong after all.

    Attributes:
        jobs: how many Jobs were made.
        double: experiments whose Job was made more than once.
        lost: versions that were not tested.
        left: what is still there after opting out.
    """

    jobs: int
    double: list[str]
    lost: list[str]
    left: list[str]


class Ground:
    """An API server that audits, a trigger, a group, and a controller that is killed and started again."""

    def __init__(self, server: ApiServer, kube: KubeClient, directory: Path) -> None:
        self.server = server
        self.kube = kube
        self.tally = Tally()
        self.door = Door(server, kill=self.kill)
        self._directory = directory
        self._process: Forked | None = None
        self._version = 0

    async def prepare(self) -> None:
        """Make what users make."""
        for name in (HOME, PLACE):
            await self.kube.create(NAMESPACES, {"metadata": {"name": name}})
        labels = {OPT_IN_LABEL: "true", VERSION_LABEL: "0"}
        trigger = {"metadata": {"name": "web", "namespace": PLACE, "labels": labels}}
        await self.kube.create(CONFIG_MAPS, trigger)
        ref = {"group": "", "version": "v1", "resource": "configmaps", "namespace": PLACE, "name": "web"}
        spec = {"trigger": ref, "specs": {"load": SPEC}, "history": {"limit": 100}}
        body = {"metadata": {"name": "web", "namespace": PLACE}, "spec": spec}
        await self.kube.create(
            EXPERIMENT_GROUPS, {**body, "apiVersion": "autox.dev/v1alpha1", "kind": "ExperimentGroup"}
        )

    def start(self) -> None:
        """Start the controller, as a kubelet does in the same pod."""
        home = self._directory / "home"
        home.mkdir(exist_ok=True)
        environ = {
            **os.environ,
            **BRIEFLY,
            "PATH": f"{Path(program(Tool.HELM)).parent}{os.pathsep}{os.environ['PATH']}",
            "KUBECONFIG": str(self.door.kubeconfig(self._directory / "door.kubeconfig")),
            "POD_NAME": "autox-0",
            "POD_UID": "5f0c2e86",
            "HOME": str(home),
            "TMPDIR": str(home),
        }
        argv = [*AUTOX, "controller", "--namespace", HOME, "--listen", "127.0.0.1:0"]
        with (self._directory / "controller.log").open("ab") as log:
            self._process = fork(argv, env=environ, stdout=log, stderr=log, start_new_session=True)

    def kill(self, victims: str) -> None:
        """Kill, now."""
        if self._process is not None:
            kill_below(self._process.pid, victims)

    def stop(self) -> None:
        """End the controller and whatever it runs."""
        self.kill("both")
        if self._process is not None:
            self._process.wait()

    def revive(self) -> bool:
        """Start the controller again if it has died."""
        if self._process is not None and self._process.poll() is None:
            return False
        self.start()
        return True

    async def change(self) -> str:
        """Name a new version."""
        self._version += 1
        change = {"metadata": {"labels": {VERSION_LABEL: str(self._version)}}}
        await self.kube.patch(CONFIG_MAPS, "web", change, namespace=PLACE)
        return str(self._version)

    async def settle(self, version: str) -> bool:
        """Wait until the version's experiment runs and no other does, and start the controller whenever it is dead."""
        deadline = time.monotonic() + ROUND_SECONDS
        while time.monotonic() < deadline:
            self.revive()
            listing = await self.kube.list(EXPERIMENTS, namespace=PLACE)
            live = [each for each in map(record_from_object, listing.items) if is_live(each)]
            going = [each for each in map(record_from_object, listing.items) if each.phase is Phase.DELETING]
            right = [each for each in live if each.identity.version == version and each.launched_at is not None]
            if len(live) == len(right) == 1 and not going:
                self.tally.jobs[version] = right[0].name
                return True
            await asyncio.sleep(0.05)
        self.tally.lost.append(version)
        return False

    async def round(self, what: str, failpoint: Failpoint | None, *, after: float = 0.0, victims: str = "") -> None:
        """One version, and one kill: at a failpoint, or after so many seconds."""
        self.door.arm(failpoint)
        version = await self.change()
        began = time.monotonic()
        if failpoint is None and victims:
            await asyncio.sleep(after)
            self.kill(victims)
            self.door.struck.set()
            began = time.monotonic()
        await self.settle(version)
        if self.door.struck.is_set():
            self.tally.kills[what] += 1
            self.tally.seconds.setdefault(what, []).append(time.monotonic() - began)

    async def steps(self) -> list[Step]:
        """The writes of a launch that nobody disturbs."""
        self.door.arm(None)
        await self.settle(await self.change())
        return list(self.door.seen)

    async def outcome(self) -> Outcome:
        """Opt out, and count."""
        left = await self._leftovers()
        created = self._created()
        times = {
            name: sum(count for job, count in created.items() if job.startswith(name))
            for name in self.tally.jobs.values()
        }
        untested = [version for version, name in self.tally.jobs.items() if not times[name]]
        return Outcome(
            jobs=sum(created.values()),
            double=[name for name, count in times.items() if count > 1],
            lost=self.tally.lost + untested,
            left=left,
        )

    async def _leftovers(self) -> list[str]:
        """Have the trigger opt out; whatever is there then but records and results."""
        change = {"metadata": {"labels": {OPT_IN_LABEL: None}}}
        await self.kube.patch(CONFIG_MAPS, "web", change, namespace=PLACE)
        deadline = time.monotonic() + ROUND_SECONDS
        left = [""]
        while left and time.monotonic() < deadline:
            self.revive()
            await asyncio.sleep(0.2)
            left = []
            for kind in KINDS:
                listing = await self.kube.list_metadata(kind, namespace=PLACE)
                names = [
                    metadata(each)["name"] for each in listing.items if not metadata(each).get("deletionTimestamp")
                ]
                left += [f"{kind.kind} {name}" for name in names if not name.endswith("-result")]
        return left

    def _created(self) -> Counter[str]:
        """How often a Job of each name was made, from the audit log."""
        lines = (self._directory / "audit.log").read_text().splitlines()
        events: Iterator[Any] = map(json.loads, lines)
        return Counter(
            event["objectRef"]["name"]
            for event in events
            if event["responseStatus"].get("code") == 201 and event["objectRef"].get("namespace") == PLACE
        )

    def log(self) -> str:
        """What the controllers have said."""
        return (self._directory / "controller.log").read_text()


@asynccontextmanager
async def ground(directory: Path) -> AsyncIterator[Ground]:
    """The ground, with a controller that runs."""
    policy = directory / "policy.json"
    policy.write_text(json.dumps(POLICY))
    server = ApiServer(directory)
    flags = {
        "audit-policy-file": policy,
        "audit-log-path": directory / "audit.log",
        "audit-log-mode": "blocking-strict",
    }
    server.start(*(f"--{name}={value}" for name, value in flags.items()))
    try:
        async with KubeClient(from_kubeconfig(server.kubeconfig())) as kube:
            for definition in crds():
                await kube.apply(DEFINITIONS, definition, field_manager="test")
            made = Ground(server, kube, directory)
            async with asyncio.timeout(30):
                while True:
                    try:
                        await kube.list(EXPERIMENTS, namespace=PLACE)
                        await made.prepare()
                        break
                    except AutoxError:
                        await asyncio.sleep(0.1)
            async with made.door:
                made.start()
                try:
                    yield made
                finally:
                    made.stop()
    finally:
        server.stop()


def failpoints(steps: Sequence[Step]) -> list[Failpoint]:
    """Every place to die at: whoever writes, and with a Helm at work also the other one, and both."""
    return [
        Failpoint(step, before, victims)
        for step in steps
        for before in (True, False)
        for victims in (("helm", "controller", "both") if step.who == "helm" else ("controller",))
    ]


@contextmanager
def _directory() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="autox-killing-") as name:
        yield Path(name)


async def play(steps: int, at_random: int, *, seed: int = 1) -> int:
    """Kill so often, and print what came of it; the exit code."""
    with _directory() as directory:
        async with ground(directory) as made:
            chance = random.Random(seed)  # noqa: S311  - spread, not secrecy
            await made.settle("0")
            points = failpoints(await made.steps())
            chosen = points if len(points) <= steps else chance.sample(points, steps)
            for point in chosen:
                when = "before" if point.before else "after"
                await made.round(f"{when} {point.step}: {point.victims}", point)
            for _ in range(at_random):
                victims = chance.choice(("helm", "controller", "both"))
                await made.round(f"at random: {victims}", None, after=chance.uniform(0, 1.5), victims=victims)
            outcome = await made.outcome()
            sys.stdout.write(table(made.tally, outcome))
            if outcome.double or outcome.lost or outcome.left:
                sys.stderr.write(made.log()[-20000:])
                return 1
            return 0


def table(tally: Tally, outcome: Outcome) -> str:
    """What was killed how often, how long it took until the version ran, and what came of it."""
    lines = [f"{'killed':<58}{'times':>6}{'longest s':>11}"]
    for what, count in sorted(tally.kills.items()):
        lines.append(f"{what:<58}{count:>6}{max(tally.seconds[what]):>11.1f}")
    kills, versions = sum(tally.kills.values()), len(tally.jobs)
    lines.append(f"\n{kills} kills, {versions} versions tested, {outcome.jobs} Jobs")
    lines.append(f"{len(outcome.double)} double, {len(outcome.lost)} lost, {len(outcome.left)} left over")
    for what, names in (("double", outcome.double), ("lost", outcome.lost), ("left over", outcome.left)):
        lines += [f"  {what}: {name}" for name in names]
    return "\n".join(lines) + "\n"


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=1000, help="at most so many kills at steps; default: every one")
    parser.add_argument("--random", type=int, default=100, help="so many kills at random moments")
    parser.add_argument("--seed", type=int, default=1, help="of the random moments")
    wanted = parser.parse_args()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    return asyncio.run(play(wanted.steps, wanted.random, seed=wanted.seed))


if __name__ == "__main__":
    sys.exit(main())
