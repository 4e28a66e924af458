"""``autox report`` and ``assert`` on releases of the chart ``experiment`` that somebody installed, without any group.

The cluster is real, and runs the Jobs that the chart makes; what they test is a server of the test's own.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from uuid import uuid4

import pytest

from tests.charts.rendering import EXPERIMENT
from tests.clusters import Done, LocalCluster, wait_for
from tests.inside import autox

pytestmark = pytest.mark.integration

VALUES: dict[str, Any] = {
    "tasks": ["http", "assess"],
    "http": {"numRequests": 4, "qps": 100, "timeout": "2s"},
    "assess": {"SLOs": {"upper": {"http/error-count": 0}}},
}
HOURLY = {"runner": "cronjob", "cronjobSchedule": "0 0 1 1 *"}
EVERYTHING = ("-c", "completed,nofailure,slos")


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """A release of the chart in a namespace, and the commands on it."""

    cluster: LocalCluster
    namespace: str
    folder: Path
    name: str = "shop"

    def helm(self, verb: str, *argv: str, **values: Any) -> Done:
        """``helm VERB NAME …``; of a verb that takes them, with the values."""
        given = [EXPERIMENT, "--values", str(self.folder / "values.json")] if verb in ("install", "upgrade") else []
        (self.folder / "values.json").write_text(json.dumps({**VALUES, **values}))
        done = self.cluster.helm(verb, self.name, *given, "--namespace", self.namespace, *argv)
        assert done.code == 0, done.err
        return done

    def autox(self, verb: str, *argv: str) -> Done:
        """``autox VERB NAME …``."""
        where = ("--namespace", self.namespace)
        return autox(verb, self.name, *where, *argv, environ=self.cluster.home.variables)

    def workload(self, kind: str = "job") -> str:
        """The name of the only Job or CronJob that is there once those of before are gone."""

        def look() -> str | None:
            found = self.cluster.get(kind, "-n", self.namespace)["items"]
            names: list[str] = [each["metadata"]["name"] for each in found if "ownerReferences" not in each["metadata"]]
            return names[0] if len(names) == 1 else None

        return wait_for(f"one {kind}", look)

    def loop(self, cron_job: str) -> None:
        """What the schedule would do one day, to its end."""
        name = f"loop-{uuid4().hex[:6]}"
        where = ("-n", self.namespace)
        self.cluster.kubectl("create", "job", name, f"--from=cronjob/{cron_job}", *where)
        self.cluster.kubectl("wait", f"job/{name}", "--for=condition=Complete", "--timeout=60s", *where)

    def url(self, target: str) -> dict[str, Any]:
        """Values that test this URL."""
        return {"http": {**VALUES["http"], "url": target}}


@pytest.fixture
def release(cluster: LocalCluster, tmp_path: Path) -> Iterator[Release]:
    """A namespace in which nothing is installed yet."""
    namespace = f"release-{uuid4().hex[:8]}"
    cluster.kubectl("create", "namespace", namespace)
    yield Release(cluster=cluster, namespace=namespace, folder=tmp_path)
    cluster.kubectl("delete", "namespace", namespace, "--wait=false")


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The URL of a server that answers 200, and 500 under ``/bad``."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(500 if self.path.endswith("/bad") else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Nothing to say."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as serving:
        thread = Thread(target=serving.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{serving.server_port}"
        serving.shutdown()
        thread.join()


def test_a_result_belongs_to_one_revision(release: Release, server: str) -> None:
    """An upgrade to another URL said that the experiment runs, while nothing ran and the report showed the old Pass."""
    good, bad = release.url(f"{server}/good"), release.url(f"{server}/bad")

    release.helm("install", **good)
    assert release.autox("assert", *EVERYTHING, "--timeout", "60s").code == 0, "it waits, and judges"
    first = release.workload()
    assert release.autox("report").out.startswith("Pass  ")

    upgraded = release.helm("upgrade", **bad)
    second = release.workload()
    assert second != first
    assert f"Job {second} runs the experiment shop." in upgraded.out
    early = release.autox("report")
    assert (early.code, "has no result yet" in early.err) == (3, True) or early.out.startswith(("Fail  ", "NoData  "))
    assert release.autox("assert", *EVERYTHING, "--timeout", "60s").code in (1, 3)
    assert f"{server}/bad" in release.autox("report", "-o", "json").out

    again = release.helm("upgrade", **bad)
    assert f"changed nothing of what is run: Job {second} was there before" in " ".join(again.out.split())
    assert release.workload() == second
    assert f"{server}/bad" in release.autox("report", "-o", "json").out

    release.helm("rollback", "1")
    wait_for("the first Job again", lambda: release.workload() == first)
    judged = release.autox("assert", *EVERYTHING, "--timeout", "60s")
    result = json.loads(release.autox("report", "-o", "json").out)
    [job] = release.cluster.get("job", "-n", release.namespace)["items"]
    assert (judged.code, result["loops"], result["subject"]["workloadUid"]) == (0, 1, job["metadata"]["uid"])


def test_a_release_that_is_made_again_starts_anew(release: Release, server: str) -> None:
    """Uninstalled and installed again, it showed the old Pass, and then 2 loops; called default, it was refused."""
    release = replace(release, name="default")
    values = {**HOURLY, **release.url(f"{server}/good")}
    release.helm("install", **values)
    release.loop(release.workload("cronjob"))
    judged = release.autox("assert", *EVERYTHING, "--timeout", "30s")
    assert (judged.code, "1 loop" in judged.out) == (0, True), judged.out

    release.helm("uninstall")
    gone = release.autox("report")
    assert (gone.code, "is gone: this is what was found out last." in " ".join(gone.out.split())) == (0, True)
    assert release.autox("assert", *EVERYTHING).code == 3, "it is no verdict on what is there"

    release.helm("install", **values)
    early, unknown = release.autox("report"), release.autox("assert", *EVERYTHING)
    assert (early.code, "which is gone" in " ".join(early.err.split())) == (3, True), early.err
    assert (unknown.code, "waits for its schedule" in " ".join(unknown.out.split())) == (4, True), unknown.out
    release.loop(release.workload("cronjob"))
    assert release.autox("assert", *EVERYTHING, "--timeout", "30s").code == 0
    assert json.loads(release.autox("report", "-o", "json").out)["loops"] == 1


def test_a_cron_job_that_becomes_a_job_and_back(release: Release, server: str) -> None:
    """The loops of one are no loops of the other, nor of a namesake in another namespace, nor of one that is idle."""
    url = release.url(f"{server}/good")
    release.helm("install", **url)
    assert release.autox("assert", *EVERYTHING, "--timeout", "60s").code == 0

    upgraded = release.helm("upgrade", **HOURLY, **url)
    assert "on its schedule. What ran before it is removed" in " ".join(upgraded.out.split())
    assert release.autox("report").code == 3
    release.helm("upgrade", **url)
    assert release.autox("assert", *EVERYTHING, "--timeout", "60s").code == 0

    release.helm("upgrade", runner="none", **url)
    idle = release.autox("assert", "-c", "completed")
    assert (idle.code, "is gone" in idle.err) == (3, True), idle.out

    other = f"{release.namespace}-b"
    release.cluster.kubectl("create", "namespace", other)
    namesake = replace(release, namespace=other)
    namesake.helm("install", runner="none", **url)
    nothing = namesake.autox("assert", *EVERYTHING)
    assert (namesake.autox("report").code, nothing.code) == (3, 4)
    assert "its runner may be none" in " ".join(nothing.out.split())
    release.cluster.kubectl("delete", "namespace", other, "--wait=false")
