"""An experiment as a CronJob: one loop after another, and what the record and the report say of all of them."""

import json
import sys
from collections import Counter
from typing import Any

import pytest

from tests.clusters import run, wait_for
from tests.e2e.conftest import ROOT, AuditedCluster, app

pytestmark = pytest.mark.integration

LOOPS = 6

VALUES = {
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


def test_loops_are_counted_and_totalled(audited: AuditedCluster) -> None:
    """Loops, the last of which fails: their number, the latest verdict and totals are in the record and the report.

    A loop of which a busy machine made nothing is told as that, and counted as that.
    """
    values = audited.state / "loops.json"
    values.write_text(json.dumps(VALUES))
    audited.apply(*app("looped"))
    audited.kubectl("rollout", "status", "deployment/looped", "--timeout=60s")
    installed = audited.helm("install", "autox", str(ROOT / "charts" / "autox"), "-f", str(values))
    assert installed.code == 0, installed.err
    try:
        audited.kubectl(
            "label", "deployment/looped", "--overwrite", "app.kubernetes.io/version=1.10", "iter8.tools/autox=true"
        )
        cron_jobs = wait_for("a CronJob", lambda: audited.get("cronjobs")["items"])
        cron_job = cron_jobs[0]["metadata"]["name"]
        # NB: uninstalled, autox leaves its records: those of the documented command may be there.
        [experiment] = [each for each in audited.experiments() if each["spec"]["trigger"]["name"] == "looped"]
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
        audited.helm("uninstall", "autox", "--ignore-not-found")
        audited.kubectl("delete", "deployment/looped", "--ignore-not-found")


def _uninstall(cluster: AuditedCluster, name: str, *, totals: Counter[str]) -> None:
    """Uninstalled, nothing runs on; the CronJob loaded its target for ever, even when the app was gone."""
    done = cluster.helm("uninstall", "autox")
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
