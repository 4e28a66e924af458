"""autox as users install it, on a containerd node, and experiments that a test may disturb."""

import json
from dataclasses import dataclass
from typing import Any

from tests.clusters import wait_for
from tests.integration.objects import Object
from tests.realnode.conftest import RealCluster

CHART = "charts/autox"
VERDICT_SECONDS = 300.0


def group(name: str, values: Object) -> Object:
    """A group of the chart for a Deployment of that name, with one spec ``load``."""
    trigger = {"group": "apps", "version": "v1", "resource": "deployments", "namespace": "default", "name": name}
    return {"trigger": trigger, "specs": {"load": {"name": "experiment", "values": values}}}


def load(**more: Any) -> Object:
    """The values of an experiment that asks the Service ``web`` for some seconds and allows no error."""
    # NB: so few requests that a busy machine of two processors does not make the load generator invalid.
    http = {"url": "http://web.default/get", "qps": 4, "duration": "2s", "timeout": "2s"}
    values: Object = {
        "tasks": ["http", "assess"],
        "http": http | more.pop("http", {}),
        "assess": {"SLOs": {"upper": {"http/error-count": 0}}},
    }
    return values | more


def trigger(name: str) -> Object:
    """A Deployment without pods; only its labels are watched."""
    container = {"name": "main", "image": "none"}
    template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [container]}}
    spec = {"replicas": 0, "selector": {"matchLabels": {"app": name}}, "template": template}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": "default"},
        "spec": spec,
    }


@dataclass(frozen=True, slots=True)
class Story:
    """One trigger, the version that is under test, and what becomes of it."""

    cluster: RealCluster
    name: str

    def new_version(self, version: str = "1") -> None:
        """Name a version; the trigger opts in with it."""
        self.cluster.apply(trigger(self.name))
        labels = (f"app.kubernetes.io/version={version}", "iter8.tools/autox=true")
        self.cluster.kubectl("label", "--overwrite", f"deployment/{self.name}", *labels)

    def records(self) -> list[Object]:
        """The experiments of this trigger."""
        items = self.cluster.get("experiments")["items"]
        return [each for each in items if each["spec"]["trigger"]["name"] == self.name]

    def jobs(self) -> list[str]:
        """The Jobs of its experiments."""
        names = {each["metadata"]["name"] for each in self.records()}
        instance = "app.kubernetes.io/instance"
        jobs = [each["metadata"] for each in self.cluster.get("jobs")["items"]]
        return [each["name"] for each in jobs if each["labels"].get(instance) in names]

    def pod(self, *, phase: str = "Running") -> str:
        """The name of the runner's pod, once it is in that phase."""

        def look() -> str:
            for job in self.jobs():
                for pod in self.cluster.get("pods", "-l", f"job-name={job}")["items"]:
                    if pod["status"]["phase"] == phase:
                        return str(pod["metadata"]["name"])
            return ""

        return wait_for(f"the runner of {self.name} to be {phase}", look)

    def loading(self) -> str:
        """The name of the runner's pod, once it sends requests."""
        pod = self.pod()
        wait_for("requests to be sent", lambda: '"task"' in self.log(pod) or "http" in self.log(pod))
        return pod

    def log(self, pod: str) -> str:
        """What a pod has said by now."""
        return self.cluster.kubectl("logs", pod, "--ignore-errors")

    def status(self) -> Object:
        """The status of its one record."""
        (record,) = self.records()
        status: Object = record.get("status", {})
        return status

    def reason(self, wanted: str) -> str:
        """Wait until the record has this reason; its message."""
        wait_for(f"reason {wanted} of {self.name}", lambda: self.records() and self.status().get("reason") == wanted)
        return str(self.status()["message"])

    def ended(self) -> Object:
        """Wait for the verdict; the status. There is one record, and not more than one Job was ever made for it."""

        def look() -> Object | None:
            records = self.records()
            done = records and records[0].get("status", {}).get("phase") == "Completed"
            return self.status() if done and self.status().get("verdict") else None

        status = wait_for(f"a verdict of {self.name}", look, seconds=VERDICT_SECONDS)
        assert len(self.jobs()) <= 1
        return status


def bring_app(cluster: RealCluster) -> None:
    """Run the app of the examples under the name ``web``, and wait until it is ready."""
    app = cluster.kubectl("create", "--dry-run=client", "-o", "json", "-f", "examples/httpbin/httpbin.yaml")
    for key in ("name", "app"):
        app = app.replace(f'"{key}": "httpbin"', f'"{key}": "web"')
    cluster.kubectl("apply", "-f", "-", stdin=app)
    cluster.kubectl("rollout", "status", "deployment/web", "--timeout=60s")


def install(cluster: RealCluster, groups: dict[str, Object], *, chart: str = CHART, **more: Any) -> None:
    """Install autox, or upgrade it, with these groups, and wait until it is ready."""
    values = cluster.state / "values.json"
    values.write_text(json.dumps({"groups": groups, "logLevel": "debug", **more}))
    done = cluster.helm("upgrade", "--install", "autox", chart, "-f", str(values))
    assert done.code == 0, done.err
    cluster.kubectl("rollout", "status", "deployment/autox", "--timeout=90s")
