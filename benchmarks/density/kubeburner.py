"""kube-burner as a driver: what it is told, and what it says afterwards.

It is no part of autox and never built here: whoever wants it beside autox names the program. Its job is the smallest
that does what autox does, with its own defaults but for images, which virtual nodes do not pull: create, wait until
all is ready, verify, write the documents of ``podLatency`` into files, and collect the garbage.

``podLatency`` documents a pod when its watcher, which takes one event after another, has seen it Ready and has found
the Event ``Started`` of its kubelet, for which it waits up to three seconds. What it has not come to when the job is
done is in no document, and is no error.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from autox.core.loads.workloads import expand, plan_of
from autox.kube.objects import Object
from autox.tasks.density.labels import RunLabels
from autox.tasks.density.workload import body
from benchmarks.density.drivers import Load, Told

PROGRAM = "kube-burner"
JOB = "density"
DOCUMENTS, QUANTILES, SUMMARY = "podLatencyMeasurement", "podLatencyQuantilesMeasurement", "jobSummary"


class KubeBurner:
    """``kube-burner init`` with a configuration of one job."""

    name = PROGRAM

    def __init__(self, program: Path, run: RunLabels) -> None:
        """Nothing is started.

        Args:
            program: that was built, by whomever.
            run: whose nodes the pods are for.
        """
        self._program = program
        self._run = run

    def command(self, load: Load, *, kubeconfig: Path, directory: Path) -> Sequence[str]:
        """The command, its configuration and its template."""
        template, file = directory / "deployment.yaml", directory / "config.yaml"
        template.write_text(yaml.safe_dump(deployment(load, self._run)))
        file.write_text(yaml.safe_dump(configuration(load, template=template, directory=directory)))
        return (str(self._program), "init", "-c", str(file), "--kubeconfig", str(kubeconfig), "--skip-log-file")

    def told(self, directory: Path, *, code: int) -> Told:
        """By the files of its indexer."""
        documents = _read(directory / f"{DOCUMENTS}-{JOB}.json")
        quantiles = _read(directory / f"{QUANTILES}-{JOB}.json")
        summary = _read(directory / f"{SUMMARY}.json")
        passed = next((str(each.get("passed")).lower() for each in summary), "not said")
        p99 = next((each["P99"] / 1000 for each in quantiles if each.get("quantileName") == "Ready"), None)
        return Told(
            documented=len({(each.get("namespace"), each.get("podName")) for each in documents}),
            p99=p99,
            verdict=f"passed: {passed}, exit code {code}",
        )


def configuration(load: Load, *, template: Path, directory: Path) -> dict[str, Any]:
    """The configuration file.

    Args:
        load: that it says.
        template: of the Deployments.
        directory: where documents are written.
    """
    limit = {"conditionType": "Ready", "metric": "P99", "threshold": f"{load.limit:g}s"}
    job = {
        "name": JOB,
        "namespace": JOB,
        "namespacedIterations": False,
        "jobIterations": 1,
        "qps": load.rate,
        "burst": load.rate,
        "preLoadImages": False,
        "maxWaitTimeout": f"{load.timeout}s",
        "objects": [{"objectTemplate": str(template), "replicas": load.deployments}],
    }
    return {
        "global": {
            "gc": True,
            "timeout": f"{load.timeout}s",
            "measurements": [{"name": "podLatency", "thresholds": [limit]}],
        },
        "metricsEndpoints": [{"indexer": {"type": "local", "metricsDirectory": str(directory)}}],
        "jobs": [job],
    }


def deployment(load: Load, run: RunLabels) -> Object:
    """The Deployment that autox makes, with a name that kube-burner fills in and no namespace.

    Args:
        load: of which it is one.
        run: whose nodes its pods are for.
    """
    name = "load-{{.Replica}}"
    made = body(next(expand(plan_of(load.inputs), nodes=load.nodes)), run, place=JOB)
    made["metadata"] = {"name": name, "labels": made["metadata"]["labels"]}
    for labels in (made["spec"]["selector"]["matchLabels"], made["spec"]["template"]["metadata"]["labels"]):
        labels["app"] = name
    return made


def _read(file: Path) -> list[dict[str, Any]]:
    """The documents in a file; none if it was not written."""
    try:
        found: list[dict[str, Any]] = json.loads(file.read_bytes()) or []
    except FileNotFoundError:
        return []
    return found
