"""Two stories on one cluster: the command that Iter8 documents for AutoX, and an experiment as a CronJob.

The command does here what it says there, with only the chart's location changed. The CronJob runs one loop after
another, and the record and the report say something of all of them.
"""

import json
import sys
from collections import Counter
from typing import Any

import pytest

from tests.clusters import run, wait_for
from tests.e2e.conftest import ROOT, AuditedCluster, app

pytestmark = pytest.mark.integration

# As documented by Iter8, word for word.
SETTINGS = (
    "groups.httpbin.trigger.name=httpbin",
    "groups.httpbin.trigger.namespace=default",
    "groups.httpbin.trigger.group=apps",
    "groups.httpbin.trigger.version=v1",
    "groups.httpbin.trigger.resource=deployments",
    "groups.httpbin.specs.iter8.name=iter8",
    "groups.httpbin.specs.iter8.values.tasks={ready,http,assess}",
    "groups.httpbin.specs.iter8.values.ready.deploy=httpbin",
    "groups.httpbin.specs.iter8.values.ready.service=httpbin",
    "groups.httpbin.specs.iter8.values.ready.timeout=60s",
    "groups.httpbin.specs.iter8.values.http.url=http://httpbin.default/get",
    "groups.httpbin.specs.iter8.values.assess.SLOs.upper.http/latency-mean=50",
    "groups.httpbin.specs.iter8.values.assess.SLOs.upper.http/error-count=0",
    "groups.httpbin.specs.iter8.version=0.13.0",
    "groups.httpbin.specs.iter8.values.runner=job",
)
CONTROLLER = "system:serviceaccount:default:autox"

LOOPS = 6

LOOPED = {
    "groups": {
        "looped": {
            "trigger": {
                "group": "apps",
                "version": "v1",
                "resource": "deployments",
                "namespace": "default",
                "name": "looped",
            },
            "specs": {
                "hourly": {
                    "name": "experiment",
                    "values": {
                        "tasks": ["http", "assess"],
                        "http": {"url": "http://looped.default/", "numRequests": 20, "qps": 40},
                        "assess": {"SLOs": {"upper": {"http/error-count": 0}}},
                        "runner": "cronjob",
                        "cronjobSchedule": "0 * * * *",
                    },
                }
            },
        }
    }
}
APART = ("--namespace", "looping", "--create-namespace")
"""NB: where the documented command has left no Lease of a controller that went without giving it back."""


def test_readme_shows_the_documented_command() -> None:
    """Somebody who comes from Iter8 finds the command they know."""
    readme = (ROOT / "README.md").read_text()

    assert [setting for setting in SETTINGS if f"--set '{setting}'" not in readme] == []


def test_the_documented_command(audited: AuditedCluster) -> None:
    """It runs, passes, is opted out and uninstalled; nothing of the user's is written, and every verdict stays."""
    audited.kubectl("apply", "-f", str(ROOT / "examples" / "httpbin" / "httpbin.yaml"))
    installed = audited.helm(
        "install", "autox", str(ROOT / "charts" / "autox"), *(word for each in SETTINGS for word in ("--set", each))
    )
    assert installed.code == 0, installed.err
    audited.kubectl("rollout", "status", "deployment/autox", "--timeout=60s")
    audited.kubectl("rollout", "status", "deployment/httpbin", "--timeout=60s")
    assert of(audited, "httpbin") == []

    name = _opted_in(audited)
    runner = f"system:serviceaccount:default:{name}"
    assert {CONTROLLER, runner} <= audited.audit.users(), "the audit log does not see them"
    assert audited.audit.trespasses() == []
    assert audited.audit.refused() == [], "the roles are not wide enough"

    audited.kubectl("label", "deployment/httpbin", "iter8.tools/autox-")
    wait_for(
        "the record to say Deleted",
        lambda: [one["status"]["phase"] for one in of(audited, "httpbin")] == ["Deleted"],
    )
    assert audited.kubectl("get", "jobs", "--ignore-not-found") == ""
    assert audited.helm("uninstall", "autox").code == 0
    assert [one["status"]["verdict"] for one in of(audited, "httpbin")] == ["Pass"]


def _opted_in(cluster: AuditedCluster) -> str:
    """Labelling runs the experiment against ``http://httpbin.default/get``, and it passes; its name."""
    cluster.kubectl("label", "deployment/httpbin", "app.kubernetes.io/version=1.0", "iter8.tools/autox=true")
    name: str = wait_for("a record", lambda: of(cluster, "httpbin"))[0]["metadata"]["name"]
    of_it = f"app.kubernetes.io/instance={name}"
    wait_for("a Job", lambda: cluster.kubectl("get", "jobs", "--selector", of_it, "--ignore-not-found"))
    done = cluster.verdict("1.0", spec="iter8")
    assert done["status"]["verdict"] == "Pass", done["status"]
    assert {slo["metric"]: slo["verdict"] for slo in done["status"]["slos"]} == {
        "http/latency-mean": "Pass",
        "http/error-count": "Pass",
    }
    assert done["status"]["tasks"] == {"done": 3, "total": 3}
    cluster.kubectl("wait", f"experiment/{name}", "--for=condition=Passed", "--timeout=10s")
    assert "Pass" in cluster.kubectl("get", "xp")
    return name


def of(cluster: AuditedCluster, trigger: str) -> list[dict[str, Any]]:
    """The records of a trigger; the other story leaves some, too."""
    return [each for each in cluster.experiments() if each["spec"]["trigger"]["name"] == trigger]


def test_loops_are_counted_and_totalled(audited: AuditedCluster) -> None:
    """Loops, the last of which fails: their number, the latest verdict and totals are in the record and the report.

    A loop of which a busy machine made nothing is told as that, and counted as that.
    """
    values = audited.state / "loops.json"
    values.write_text(json.dumps(LOOPED))
    audited.apply(*app("looped"))
    audited.kubectl("rollout", "status", "deployment/looped", "--timeout=60s")
    installed = audited.helm("install", "autox", str(ROOT / "charts" / "autox"), *APART, "-f", str(values))
    assert installed.code == 0, installed.err
    try:
        audited.kubectl(
            "label", "deployment/looped", "--overwrite", "app.kubernetes.io/version=1.10", "iter8.tools/autox=true"
        )
        cron_jobs = wait_for("a CronJob", lambda: audited.get("cronjobs")["items"])
        cron_job = cron_jobs[0]["metadata"]["name"]
        [experiment] = of(audited, "looped")
        name = experiment["metadata"]["name"]

        # What the schedule would do each hour.
        told: list[str] = []
        while told.count("Pass") < 2 and len(told) < LOOPS:
            told.append(_loop(audited, name, cron_job, len(told) + 1)["verdict"])
        audited.kubectl("scale", "deployment/looped", "--replicas=0")
        audited.kubectl("wait", "pod", "-l", "app=looped", "--for=delete", "--timeout=60s")
        status = _loop(audited, name, cron_job, len(told) + 1)
        told.append(status["verdict"])

        assert [each for each in told if each != "Invalid"] == ["Pass", "Pass", "Fail"]
        assert status["totals"] == Counter(told)
        assert status["phase"] == "Running"
        report = run(sys.executable, "-m", "autox", "report", name, "-o", "json", environ=audited.environ)
        assert report.code == 0, report.err
        document = json.loads(report.out)
        assert (document["loops"], document["verdict"], document["totals"]) == (len(told), "Fail", Counter(told))
        assert [loop["verdict"] for loop in document["history"]] == told
        assert "1.10" in run(sys.executable, "-m", "autox", "history", environ=audited.environ).out
        assert audited.audit.refused() == audited.audit.trespasses() == []

        _uninstall(audited, name, totals=Counter(told))
    finally:
        audited.helm("uninstall", "autox", *APART[:2], "--ignore-not-found")
        audited.kubectl("delete", "deployment/looped", "--ignore-not-found")


def _uninstall(cluster: AuditedCluster, name: str, *, totals: Counter[str]) -> None:
    """Uninstalled, nothing runs on; the CronJob loaded its target for ever, even when the app was gone."""
    done = cluster.helm("uninstall", "autox", *APART[:2])
    assert done.code == 0, done.err
    for kind in ("cronjobs", "jobs", "roles", "rolebindings"):
        left = [each["metadata"] for each in cluster.get(kind)["items"]]
        assert not [each["name"] for each in left if "deletionTimestamp" not in each], kind
    assert cluster.helm("list", "--all", "--short").out == ""
    (record,) = [each for each in cluster.experiments() if each["metadata"]["name"] == name]
    assert (record["status"]["phase"], record["status"]["reason"]) == ("Deleted", "GroupRemoved")
    assert record["status"]["totals"] == totals


def _loop(cluster: AuditedCluster, name: str, cron_job: str, loop: int) -> dict[str, Any]:
    """Run one loop now; the status after it."""
    cluster.kubectl("create", "job", f"--from=cronjob/{cron_job}", f"loop-{loop}")

    def look() -> dict[str, Any] | None:
        status: dict[str, Any] = cluster.get("experiment", name).get("status", {})
        return status if status.get("loops") == loop else None

    return wait_for(f"loop {loop} to end", look, seconds=90)
