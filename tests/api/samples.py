"""A good group, and the mistakes that users make in one: each with the field that the answer must name."""

from copy import deepcopy
from dataclasses import dataclass
from typing import Any

Object = dict[str, Any]

VALUES: Object = {
    "tasks": ["ready", "http", "assess"],
    "ready": {"deploy": "httpbin", "service": "httpbin", "timeout": "60s"},
    "http": {"url": "http://httpbin.default/get"},
    "assess": {"SLOs": {"upper": {"http/latency-mean": 50, "http/error-count": 0}}},
    "runner": "job",
}
SPEC: Object = {
    "trigger": {
        "group": "apps",
        "version": "v1",
        "resource": "deployments",
        "namespace": "default",
        "name": "httpbin",
    },
    "specs": {"iter8": {"name": "iter8", "version": "0.13.0", "values": VALUES}},
}


def group(spec: Object = SPEC, *, name: str = "httpbin", namespace: str = "default") -> Object:
    """An ExperimentGroup as it is written."""
    return {
        "apiVersion": "autox.dev/v1alpha1",
        "kind": "ExperimentGroup",
        "metadata": {"name": name, "namespace": namespace},
        "spec": deepcopy(spec),
    }


def changed(base: Object, path: str, value: Any) -> Object:
    """A copy with the value at a dotted path replaced; ``~`` stands for a dot in a key, and None removes the key."""
    copy = deepcopy(base)
    *way, last = (step.replace("~", ".") for step in path.split("."))
    place = copy
    for step in way:
        place = place.setdefault(step, {})
    if value is None:
        del place[last]
    else:
        place[last] = value
    return copy


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """A wrong value in the values of an experiment.

    Attributes:
        path: where.
        value: what; None if it is missing.
        field: what an error must name; the last key of the path unless said otherwise.
    """

    path: str
    value: Any
    field: str = ""

    @property
    def named(self) -> str:
        """What an error must name."""
        return self.field or self.path.rsplit(".", 1)[-1]

    @property
    def values(self) -> Object:
        """The good values with this mistake."""
        return changed(VALUES, self.path, self.value)


IN_VALUES = {
    "unknown task": Mistake(path="tasks", value=["ready", "htpp", "assess"]),
    "no task": Mistake(path="tasks", value=[]),
    "tasks missing": Mistake(path="tasks", value=None),
    "task twice": Mistake(path="tasks", value=["ready", "http", "http", "assess"]),
    "task without its inputs": Mistake(path="http", value=None),
    "inputs of a task that is not listed": Mistake(path="density", value={"cluster": "b"}),
    "unknown key": Mistake(path="httpp", value={"url": "http://web"}),
    "metric that no task makes": Mistake(path="assess.SLOs.upper.http/latency-p100", value=5),
    "metric of no task": Mistake(path="assess.SLOs.lower.latency", value=5),
    "metric of a task that is not listed": Mistake(path="assess.SLOs.upper.density/pods-failed", value=0),
    "metric that is a distribution": Mistake(path="assess.SLOs.upper.http/latency", value=5),
    "official SLOs of a task that is not listed": Mistake(path="assess.SLOs", value="official"),
    "a word that is no SLO": Mistake(path="assess.SLOs", value="oficial"),
    "limit that is no number": Mistake(path="assess.SLOs.upper.http/latency-p99", value="fast", field="latency-p99"),
    "no SLO": Mistake(path="assess.SLOs", value={}),
    "empty SLOs": Mistake(path="assess.SLOs", value={"upper": {}}),
    "url without scheme": Mistake(path="http.url", value="httpbin.default/get"),
    "url of another scheme": Mistake(path="http.url", value="ftp://httpbin.default/get"),
    "url without host": Mistake(path="http.url", value="http:///get"),
    "url missing": Mistake(path="http.url", value=None),
    "negative qps": Mistake(path="http.qps", value=-1),
    "qps of zero": Mistake(path="http.qps", value=0),
    "negative qps as text": Mistake(path="http.qps", value="-0.5"),
    "no connection": Mistake(path="http.connections", value=0),
    "no request": Mistake(path="http.numRequests", value=0),
    "half a request": Mistake(path="http.numRequests", value=1.5),
    "duration without unit": Mistake(path="http.duration", value="10"),
    "duration that is a number": Mistake(path="http.duration", value=10),
    "duration of nothing": Mistake(path="http.duration", value="0s"),
    "negative duration": Mistake(path="http.duration", value="-5s"),
    "header that is a number": Mistake(path="http.headers", value={"X-Count": 1}, field="X-Count"),
    "percentile above 100": Mistake(path="http.percentiles", value=[101]),
    "error range without bounds": Mistake(path="http.errorRanges", value=[{}]),
    "nothing to wait for": Mistake(path="ready", value={"timeout": "60s"}),
    "name in upper case": Mistake(path="ready.service", value="HttpBin"),
    "unknown runner": Mistake(path="runner", value="jobs"),
    "cronjob without schedule": Mistake(path="runner", value="cronjob", field="cronjobSchedule"),
    "schedule of four fields": Mistake(path="cronjobSchedule", value="* * * *"),
    "schedule with a minute 61": Mistake(path="cronjobSchedule", value="61 * * * *"),
    "schedule that runs backwards": Mistake(path="cronjobSchedule", value="0 6 * * FRI-MON"),
    "schedule of backward months": Mistake(path="cronjobSchedule", value="0 0 1 dec-jan *"),
    "schedule that never comes": Mistake(path="cronjobSchedule", value="0 0 31 2 *"),
    "schedule of seconds": Mistake(path="cronjobSchedule", value="@every 30s"),
    "schedule with a time zone": Mistake(path="cronjobSchedule", value="TZ=UTC * * * * *"),
    "schedule in words": Mistake(path="cronjobSchedule", value="every hour"),
    "time zone that is none": Mistake(path="timeZone", value="Europe/Berlin (summer)"),
    "time zone of whoever asks": Mistake(path="timeZone", value="Local"),
    "time zone of another folder": Mistake(path="timeZone", value="../Berlin"),
    "time zone as a number": Mistake(path="timeZone", value=2),
    "certificates from nowhere": Mistake(path="caBundle", value={"key": "ca.crt"}, field="caBundle"),
    "certificates from two places": Mistake(path="caBundle", value={"secret": "a", "configMap": "b"}),
    "certificates of a file": Mistake(path="caBundle", value="/etc/ssl/ca.pem"),
    "pull secret without its key": Mistake(path="imagePullSecrets", value=["regcred"]),
    "node selector that is a number": Mistake(path="nodeSelector", value={"rack": 12}, field="rack"),
    "node selector of no label": Mistake(path="nodeSelector", value={"a rack": "12"}, field="a rack"),
    "toleration of no effect": Mistake(path="tolerations", value=[{"key": "gpu", "effect": "NoRun"}], field="effect"),
    "toleration that is misspelt": Mistake(path="tolerations", value=[{"keys": "gpu"}], field="keys"),
    "affinity that is misspelt": Mistake(path="affinity.nodeAffinities", value={}),
    "label of the chart": Mistake(path="podLabels", value={"app.kubernetes.io/name": "x"}),
    "label of the Job": Mistake(path="podLabels", value={"batch.kubernetes.io/job-name": "x"}),
    "label with spaces": Mistake(path="podLabels", value={"team": "the shop"}),
    "annotation of ours": Mistake(path="podAnnotations", value={"autox.dev/stages": "x"}),
    "annotation that is a number": Mistake(path="podAnnotations", value={"port": 8080}),
    "variable of the chart": Mistake(path="env", value=[{"name": "WORKLOAD", "value": "x"}]),
    "variable that is a number": Mistake(path="env", value=[{"name": "COUNT", "value": 3}], field="value"),
    "variable of two values": Mistake(path="env", value=[{"name": "A", "value": "", "valueFrom": {"fieldRef": {}}}]),
    "variable without a name": Mistake(path="env", value=[{"value": "x"}], field="name"),
    "variable of no name": Mistake(path="env", value=[{"name": "MY-NAME", "value": "x"}], field="name"),
    "variables as a map": Mistake(path="env", value={"NAME": "x"}),
    "priority class in upper case": Mistake(path="priorityClassName", value="High"),
}
"""Refused by the chart ``experiment``, by the chart ``autox`` around it, and by the controller."""
