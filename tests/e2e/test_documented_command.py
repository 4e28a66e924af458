"""The command that Iter8 documents for AutoX does here what it says there, with only the chart's location changed."""

import pytest

from tests.clusters import wait_for
from tests.e2e.conftest import ROOT, AuditedCluster

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


def test_readme_shows_the_documented_command() -> None:
    """Somebody who comes from Iter8 finds the command they know."""
    readme = (ROOT / "README.md").read_text()

    assert [setting for setting in SETTINGS if f"--set '{setting}'" not in readme] == []


def test_opting_in_runs_a_job_and_records_its_verdict(audited: AuditedCluster) -> None:
    """Labelling httpbin runs the experiment against ``http://httpbin.default/get``, and its verdict is kept."""
    audited.kubectl("apply", "-f", str(ROOT / "examples" / "httpbin" / "httpbin.yaml"))
    installed = audited.helm(
        "install", "autox", str(ROOT / "charts" / "autox"), *(word for each in SETTINGS for word in ("--set", each))
    )
    assert installed.code == 0, installed.err
    audited.kubectl("rollout", "status", "deployment/autox", "--timeout=60s")
    audited.kubectl("rollout", "status", "deployment/httpbin", "--timeout=60s")
    assert audited.experiments() == []

    audited.kubectl("label", "deployment/httpbin", "app.kubernetes.io/version=1.0", "iter8.tools/autox=true")

    name = wait_for("a record", audited.experiments)[0]["metadata"]["name"]
    of_it = f"app.kubernetes.io/instance={name}"
    wait_for("a Job", lambda: audited.kubectl("get", "jobs", "--selector", of_it, "--ignore-not-found"))
    done = audited.verdict("1.0", spec="iter8")
    assert done["status"]["verdict"] == "Pass", done["status"]
    assert {slo["metric"]: slo["verdict"] for slo in done["status"]["slos"]} == {
        "http/latency-mean": "Pass",
        "http/error-count": "Pass",
    }
    assert done["status"]["tasks"] == {"done": 3, "total": 3}
    audited.kubectl("wait", f"experiment/{name}", "--for=condition=Passed", "--timeout=10s")
    assert "Pass" in audited.kubectl("get", "xp")


def test_nothing_is_written_but_what_is_autoxs_own(audited: AuditedCluster) -> None:
    """The API server's audit log shows no write by controller or runner to a trigger or to anything of the user's."""
    runner = f"system:serviceaccount:default:{audited.experiments()[0]['metadata']['name']}"

    assert {CONTROLLER, runner} <= audited.audit.users(), "the audit log does not see them"
    assert audited.audit.trespasses() == []


def test_nothing_that_autox_asked_for_was_refused(audited: AuditedCluster) -> None:
    """The roles are wide enough: neither the controller nor the runner meets a 403 in the whole story."""
    assert audited.audit.refused() == []


def test_opting_out_deletes_the_experiment_and_keeps_its_record(audited: AuditedCluster) -> None:
    """The Job goes, the verdict stays."""
    audited.kubectl("label", "deployment/httpbin", "iter8.tools/autox-")

    wait_for(
        "the record to say Deleted",
        lambda: [one["status"]["phase"] for one in audited.experiments()] == ["Deleted"],
    )
    assert audited.kubectl("get", "jobs", "--ignore-not-found") == ""
    assert audited.experiments()[0]["status"]["verdict"] == "Pass"


def test_uninstalling_keeps_the_records(audited: AuditedCluster) -> None:
    """``helm uninstall autox`` leaves the CRDs, and with them every verdict."""
    assert audited.helm("uninstall", "autox").code == 0

    assert [one["status"]["verdict"] for one in audited.experiments()] == ["Pass"]
