"""Charts that cannot be installed, and charts that are installed and do nothing."""

import http.server
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from autox.kube.objects import Object
from autox.model.experiments import ExperimentRecord
from autox.model.refs import JOBS
from autox.model.verdict import Phase, Verdict
from tests.clusters import LocalCluster
from tests.integration.autox.scene import IDLE, UNSCHEDULABLE, Scene, eventually

pytestmark = pytest.mark.integration


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves files and says nothing."""

    def log_message(self, *_args: object) -> None:
        """Not on the terminal."""


BROKEN = '{{ fail "no database was given" }}\n'
SILENT = """
apiVersion: batch/v1
kind: Job
metadata:
  name: {{ .Release.Name }}
  labels: {app.kubernetes.io/instance: {{ .Release.Name }}}
spec:
  backoffLimit: 0
  template:
    spec:
      restartPolicy: Never
      containers: [{name: main, image: busybox, command: [/bin/true]}]
"""
KILLED = SILENT.replace("[/bin/true]", '[/bin/sh, -c, "kill -KILL $$$$"]')  # NB: Kubernetes makes one dollar of two

_BARE = SILENT.replace("  labels: {app.kubernetes.io/instance: {{ .Release.Name }}}\n", "")
_FAILS = _BARE.replace("name: {{ .Release.Name }}\n", "name: {{ .Release.Name }}-a\n").replace(
    "[/bin/true]", "[/bin/sh, -c, exit 7]"
)
PAIR = f"{_FAILS}---{_BARE}"
_AFTER = "annotations: {helm.sh/hook: post-install}\n  labels"
_NOTE = SILENT.replace("{{ .Release.Name }}\n  labels", f"{{{{ .Release.Name }}}}-note\n  {_AFTER}")
HOOKED = f"{KILLED}---{_NOTE}"


@pytest.fixture(scope="module")
def repo(prepared: LocalCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of charts: one cannot be rendered, the others' Jobs end well or badly, alone or one of two."""
    directory: Path = tmp_path_factory.mktemp("repo")
    for name, template in (
        ("broken", BROKEN),
        ("silent", SILENT),
        ("killed", KILLED),
        ("pair", PAIR),
        ("hooked", HOOKED),
    ):
        templates = directory / name / "templates"
        templates.mkdir(parents=True)
        (directory / name / "Chart.yaml").write_text(f"apiVersion: v2\nname: {name}\nversion: 1.0.0\n")
        (templates / "job.yaml").write_text(template)
        packed = prepared.helm("package", str(directory / name), "-d", str(directory))
        assert packed.code == 0, packed.err
    indexed = prepared.helm("repo", "index", str(directory))
    assert indexed.code == 0, indexed.err
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(directory)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


async def judged(scene: Scene) -> ExperimentRecord:
    """Wait for the only experiment's verdict."""

    async def look() -> ExperimentRecord | None:
        return next((each for each in await scene.records() if each.verdict is not None), None)

    return await eventually("a verdict", look)


async def test_broken_chart(scene: Scene, repo: str) -> None:
    """A chart that cannot be rendered gives verdict Error with what Helm said, once; the other specs are launched."""
    broken: Object = {"name": "broken", "version": "1.0.0", "repo": repo}
    await scene.group(specs={"bad": broken, "good": IDLE})
    await scene.deploy(version="1", opt_in="true")

    record = await judged(scene)

    assert (record.identity.spec, record.phase, record.verdict) == ("bad", Phase.COMPLETED, Verdict.ERROR)
    assert "no database was given" in record.message
    await scene.has_come_round()
    (again, good) = sorted(await scene.records(), key=lambda each: each.identity.spec)
    assert (again.uid, again.launched_at) == (record.uid, None)
    assert good.launched_at is not None
    assert record.name not in await scene.releases()


async def test_broken_chart_mended(scene: Scene, repo: str) -> None:
    """Once the group names a chart that works, that one is launched for the same version."""
    await scene.group(specs={"http": {"name": "broken", "version": "1.0.0", "repo": repo}})
    await scene.deploy(version="1", opt_in="true")
    await judged(scene)

    await scene.group(specs={"http": IDLE})

    await scene.tested("1")


async def test_job_that_never_starts(scene: Scene) -> None:
    """A Job for whose pod no node has room is not passed over in silence: the record says what it waits for."""
    await scene.group(specs={"http": UNSCHEDULABLE})
    await scene.deploy(version="1", opt_in="true")
    await scene.tested("1")

    async def look() -> ExperimentRecord | None:
        (record,) = await scene.records()
        return record if record.reason == "PodWaiting" else None

    record = await eventually("the reason why the pod waits", look)
    assert (record.phase, record.verdict) == (Phase.RUNNING, None)
    assert "Unschedulable" in record.message
    assert "cpu" in record.message


async def test_job_that_says_nothing(scene: Scene, repo: str) -> None:
    """A foreign chart's Job that ends well passes nothing: without a result the verdict is Error, and says so."""
    await scene.group(specs={"http": {"name": "silent", "version": "1.0.0", "repo": repo}})
    await scene.deploy(version="1", opt_in="true")

    record = await judged(scene)

    assert (record.phase, record.verdict, record.reason) == (Phase.COMPLETED, Verdict.ERROR, "NoResult")


async def test_job_that_is_killed(scene: Scene, repo: str) -> None:
    """Of a container that was killed and whose node does not know why, the record says what is most likely."""
    await scene.group(specs={"http": {"name": "killed", "version": "1.0.0", "repo": repo}})
    await scene.deploy(version="1", opt_in="true")

    record = await judged(scene)

    assert record.verdict is Verdict.ERROR
    assert "exit code 137: killed, most often for want of memory; its log: kubectl logs" in record.message


@pytest.mark.parametrize(
    ("chart", "code"), [pytest.param("pair", 7, id="of two Jobs"), pytest.param("hooked", 137, id="beside a hook")]
)
async def test_the_job_that_failed_is_told(scene: Scene, repo: str, chart: str, code: int) -> None:
    """Of a chart with two Jobs, or with a hook, the last one counted: it "succeeded", while the load had failed."""
    await scene.group(specs={"http": {"name": chart, "version": "1.0.0", "repo": repo}})
    await scene.deploy(version="1", opt_in="true")

    record = await judged(scene)

    assert record.verdict is Verdict.ERROR
    assert f"exit code {code}" in record.message
    await scene.label(version=None, opt_in=None)
    await scene.deleted("NotOptedIn")

    async def gone() -> bool:
        jobs = (await scene.kube.list_metadata(JOBS, namespace=scene.namespace)).items
        return not [each for each in jobs if not each["metadata"]["name"].endswith("-note")]

    await eventually("the end of the Jobs", gone)
