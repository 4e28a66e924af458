"""What no schema can say of a load test: numbers that are each allowed, and too much together. ``_density_sums.tpl``.

The chart fails with the sentence that a document is refused with, from the same limits and the same words
(``autox.api.tasks.density.limits``, ``wording``), so that whoever installs it learns of it at once and not from a Job
that ended. A test holds both against each other.
What needs no limit, to read durations and sizes, stands in the chart's own ``_density.tpl``.

Not all that a document is refused for is here. What takes a generator of random numbers (``poisson``), the plans that
presets stand for beside their pods, names that meet, and where churn leaves no room are known when the Job
begins, and refused then.
"""

import json
import re
from collections.abc import Iterable, Iterator

from autox.api.tasks.density.churnlimits import UNTIL_COLLECTED
from autox.api.tasks.density.clientlimits import KEPT_SECONDS, MOST_OF_CLIENTS, REVISION_BYTES
from autox.api.tasks.density.clients import MADE_OBJECTS, MADE_SIZE, OWN
from autox.api.tasks.density.kind import DensityValues
from autox.api.tasks.density.limits import (
    MOST_BYTES,
    MOST_NODES_OF_AN_AGENT,
    MOST_OBJECTS,
    MOST_PODS,
    NODE_BYTES,
    OBJECT_BYTES,
    POD_BYTES,
    PODS_A_NODE,
)
from autox.api.tasks.density.plan import PlanSection
from autox.api.tasks.density.presets import PRESETS
from autox.api.tasks.density.wording import (
    AND_LATENCY_PODS,
    CLIENT_SUMS,
    CLIENTS_OF_ONE_NAME,
    NO_ROOM,
    OF_A_PLAN,
    OF_PODS,
    TOO_LARGE,
    TOO_LATE,
    TOO_MANY,
    TOO_MANY_AGENTS,
    TOO_MANY_CLIENTS,
    TOO_MANY_NODES,
)
from autox.core.loads.workloads import LATENCY_RATE, WITH_DATA, WITH_REPLICAS, pods
from autox.model.workload import Churned, ObjectKind

_GAP = re.compile(r"\{(\w+)\}")
_COUNTED = frozenset({"pods", "namespaces", "services", "jobs"})
_FIELDS = ("nodes", "pods", "podsPerDeployment", "rate", "latencyPods", "timeout", "clients")

_TEXT = """\
{{/* %NOTE% */}}

{{/* Fails where the numbers of a load test are too much together. Argument: what the task is told. */}}
{{- define "experiment.density.sums" -}}
{{- $given := merge (deepCopy .) (%DEFAULTS% | fromJson) }}
{{- $names := list }}
{{- $sums := dict "clients" 0.0 "rate" 0.0 "objects" 0.0 "bytes" 0.0 "kept" 0.0 }}
{{- range $given.clients }}
{{- $names = append $names .name }}
{{- $clients := .clients | default 1 | float64 }}
{{- $rate := .rate | default 0 | float64 | mulf $clients }}
{{- $own := and (has .resource (list %OWN%)) (has .verb (list "get" "patch")) }}
{{- $objects := $own | ternary (.objects | default %MADE_OBJECTS%) 0 | float64 }}
{{- $size := $own | ternary (.size | default %MADE_SIZE%) 0 | float64 }}
{{- $_ := set $sums "clients" (addf $sums.clients $clients) }}
{{- $_ := set $sums "rate" (addf $sums.rate $rate) }}
{{- $_ := set $sums "objects" (addf $sums.objects $objects) }}
{{- $_ := set $sums "bytes" (addf $sums.bytes (mulf $objects $size)) }}
{{- if eq .verb "patch" }}
{{- $_ := set $sums "kept" (addf $sums.kept (mulf $rate (addf $size %REVISION_BYTES%))) }}
{{- end }}
{{- end }}
{{- range $name := $names | uniq | sortAlpha }}
{{- $same := list }}
{{- range $names }}
{{- if eq . $name }}
{{- $same = append $same . }}
{{- end }}
{{- end }}
{{- if gt (len $same) 1 }}
{{- fail (%CLIENTS_OF_ONE_NAME%) }}
{{- end }}
{{- end }}
{{- range list %CLIENT_SUMS% }}
{{- $found := index $sums .sum }}
{{- if gt $found (float64 .most) }}
{{- fail (%TOO_MANY_CLIENTS%) }}
{{- end }}
{{- end }}
{{- $loads := list $given }}
{{- with $given.failurePoint }}
{{- $loads = list (merge (dict .of .from) $given) (merge (dict .of .to) $given) }}
{{- end }}
{{- range $loads }}
{{- include "experiment.density.load" (dict "load" . "kept" $sums.kept) }}
{{- end }}
{{- end }}

{{/* Likewise of one load. Argument: load: what the task is told, kept: bytes a second that clients write. */}}
{{- define "experiment.density.load" -}}
{{- $load := .load }}
{{- $nodes := $load.nodes | float64 | int64 }}
{{- $agents := $load.agents | default 0 | float64 | int64 }}
{{- if not (kindIs "map" $load.nodeSelector) }}
{{- $keepers := mul (max 1 $agents) %MOST_NODES_OF_AN_AGENT% }}
{{- if gt $nodes $keepers }}
{{- $more := div (add $nodes %MOST_NODES_OF_AN_AGENT% -1) %MOST_NODES_OF_AN_AGENT% }}
{{- fail (%TOO_MANY_NODES%) }}
{{- end }}
{{- if gt $agents $nodes }}
{{- fail (%TOO_MANY_AGENTS%) }}
{{- end }}
{{- end }}
{{- $latency := $load.latencyPods | float64 | int64 }}
{{- $timeout := include "experiment.density.seconds" $load.timeout | float64 }}
{{- $pods := 0 }}
{{- $objects := 0 }}
{{- $data := 0 }}
{{- $due := 0.0 }}
{{- $isKnown := true }}
{{- $what := "%OF_A_PLAN%" }}
{{- if $load.plan }}
{{- $begin := 0.0 }}
{{- range $load.plan.steps }}
{{- $count := 0 }}
{{- $weight := 0 }}
{{- $last := 1 }}
{{- range .objects }}
{{- $number := .count | default 1 | float64 | int64 }}
{{- $each := has .kind (list %WITH_REPLICAS%) | ternary (.replicas | default 1) 0 | float64 | int64 }}
{{- if eq .kind "%DAEMON_SET%" }}
{{- $each = $nodes }}
{{- end }}
{{- if has .kind (list %WITH_DATA%) }}
{{- $data = .size | default "1KiB" | include "experiment.density.bytes" | int64 | mul $number | add $data }}
{{- end }}
{{- $last = max 1 $each }}
{{- $pods = mul $number $each | add $pods }}
{{- $count = add $count $number }}
{{- $weight = mul $number $last | add $weight }}
{{- end }}
{{- $objects = add $objects $count }}
{{- $end := 0.0 }}
{{- $before := 0.0 }}
{{- if .rate.qps }}
{{- $end = divf (float64 $count) (float64 .rate.qps) }}
{{- $before = divf (sub $count 1 | float64) (float64 .rate.qps) }}
{{- else if .rate.pods }}
{{- $end = divf (float64 $weight) (float64 .rate.pods) }}
{{- $before = divf (sub $weight $last | float64) (float64 .rate.pods) }}
{{- else if .rate.steps }}
{{- $end = include "experiment.density.climbed" (dict "steps" .rate.steps "number" $count) | float64 }}
{{- $before = include "experiment.density.climbed" (dict "steps" .rate.steps "number" (sub $count 1)) | float64 }}
{{- else if .rate.poisson }}
{{- $isKnown = false }}
{{- end }}
{{- $due = maxf $due (addf $begin $before) }}
{{- $begin = addf $begin $end (include "experiment.density.seconds" (.pause | default "0s") | float64) }}
{{- end }}
{{- else if $load.preset }}
{{- $isKnown = false }}
{{- $parameters := index (%PRESETS% | fromJson) $load.preset.name }}
{{- with $parameters }}
{{- $pods = index $load.preset .counted | default .usual | float64 | int64 | mul .pods }}
{{- if not $latency }}
{{- $latency = $load.preset.latencyPods | default .latencyPods | float64 | int64 }}
{{- end }}
{{- end }}
{{- else }}
{{- $pods = $load.pods | float64 | int64 }}
{{- $size := $load.podsPerDeployment | float64 | int64 }}
{{- $rest := mod $pods $size | int64 }}
{{- $objects = add (div $pods $size) (min 1 $rest) }}
{{- $due = divf (sub $pods ($rest | default $size) | float64) (float64 $load.rate) }}
{{- $what = %OF_PODS% }}
{{- end }}
{{- if gt $pods (int64 %MOST_PODS%) }}
{{- fail (%TOO_MANY_PODS%) }}
{{- end }}
{{- if gt $objects (int64 %MOST_OBJECTS%) }}
{{- fail (%TOO_MANY_OBJECTS%) }}
{{- end }}
{{- $asked := add $pods $latency }}
{{- $room := mul $nodes %PODS_A_NODE% }}
{{- if gt $asked $room }}
{{- fail (%NO_ROOM%) }}
{{- end }}
{{- $kept := round (minf $timeout %KEPT_SECONDS% | mulf .kept) 0 | int64 }}
{{- $takes := add $data (mul $asked %POD_BYTES%) (mul $nodes %NODE_BYTES%) $kept }}
{{- $takes = add $objects $latency | mul %OBJECT_BYTES% | add $takes }}
{{- if gt $takes (int64 %MOST_BYTES%) }}
{{- fail (%TOO_LARGE%) }}
{{- end }}
{{- with $load.churn }}
{{- $cycles := .cycles | default 1 | float64 }}
{{- $pause := include "experiment.density.seconds" (.pause | default "0s") | float64 }}
{{- $waits := eq (.of | default "%DEPLOYMENTS%") "%NODES%" | ternary %UNTIL_COLLECTED% 0.0 }}
{{- $due = addf $due (mulf $waits $cycles) (mulf $pause (subf $cycles 1)) }}
{{- end }}
{{- $due = addf $due (divf (float64 $latency) %LATENCY_RATE%) }}
{{- if and $isKnown (ge $due $timeout) }}
{{- $more := $latency | empty | ternary "" (%AND_LATENCY_PODS%) }}
{{- fail (%TOO_LATE%) }}
{{- end }}
{{- end }}
"""


def sums_template(*, note: str) -> str:
    """The text of the file.

    Args:
        note: that it is generated.
    """
    fields = DensityValues.model_json_schema(by_alias=True)["properties"]
    sums = zip(CLIENT_SUMS, ("clients", "rate", "objects", "bytes"), MOST_OF_CLIENTS, strict=True)
    parts = {
        "DEFAULTS": _json({name: fields[name]["default"] for name in _FIELDS}),
        "PRESETS": _json(dict(_presets())),
        "OWN": _words(OWN),
        "WITH_REPLICAS": _words(sorted(WITH_REPLICAS)),
        "WITH_DATA": _words(sorted(WITH_DATA)),
        "DAEMON_SET": ObjectKind.DAEMON_SET.value,
        "DEPLOYMENTS": Churned.DEPLOYMENTS.value,
        "NODES": Churned.NODES.value,
        "CLIENT_SUMS": " ".join(f'(dict "what" "{what}" "sum" "{name}" "most" {most})' for what, name, most in sums),
        "CLIENTS_OF_ONE_NAME": _failure(CLIENTS_OF_ONE_NAME, name="$name"),
        "TOO_MANY_CLIENTS": _failure(
            TOO_MANY_CLIENTS, found=_number("$found", "%.10g"), what=".what", most=_number(".most")
        ),
        "OF_A_PLAN": OF_A_PLAN,
        "OF_PODS": _filled(OF_PODS, pods=_number("$pods"), rate='(float64 $load.rate | printf "%.6g")'),
        "AND_LATENCY_PODS": _filled(AND_LATENCY_PODS, pods=_number("$latency")),
        "TOO_MANY_NODES": _failure(
            TOO_MANY_NODES, nodes=_number("$nodes"), room=_number("$keepers"), more='(printf "%d" $more)'
        ),
        "TOO_MANY_AGENTS": _failure(TOO_MANY_AGENTS, agents='(printf "%d" $agents)', nodes=_number("$nodes")),
        "MOST_NODES_OF_AN_AGENT": MOST_NODES_OF_AN_AGENT,
        "TOO_MANY_PODS": _failure(TOO_MANY, what='"pods"', found=_number("$pods"), most=f'"{MOST_PODS:,}"'),
        "TOO_MANY_OBJECTS": _failure(TOO_MANY, what='"objects"', found=_number("$objects"), most=f'"{MOST_OBJECTS:,}"'),
        "NO_ROOM": _failure(NO_ROOM, nodes=_number("$nodes"), room=_number("$room"), pods=_number("$asked")),
        "TOO_LARGE": _failure(
            TOO_LARGE,
            takes='(divf (float64 $takes) 1073741824.0 | printf "%.1f")',
            most=f'"{MOST_BYTES / 1024**3:g}"',
        ),
        "TOO_LATE": _failure(
            TOO_LATE,
            load="$what",
            more="$more",
            last='(printf "%.4g" $due)',
            timeout='(printf "%.6g" $timeout)',
        ),
        "MADE_OBJECTS": MADE_OBJECTS,
        "MADE_SIZE": MADE_SIZE,
        "REVISION_BYTES": REVISION_BYTES,
        "KEPT_SECONDS": KEPT_SECONDS,
        "MOST_PODS": MOST_PODS,
        "MOST_OBJECTS": MOST_OBJECTS,
        "PODS_A_NODE": PODS_A_NODE,
        "POD_BYTES": POD_BYTES,
        "NODE_BYTES": NODE_BYTES,
        "OBJECT_BYTES": OBJECT_BYTES,
        "MOST_BYTES": MOST_BYTES,
        "UNTIL_COLLECTED": UNTIL_COLLECTED,
        "LATENCY_RATE": LATENCY_RATE,
    }
    text = _TEXT
    for name, value in {**parts, "NOTE": note}.items():
        text = text.replace(f"%{name}%", str(value))
    return text


def _presets() -> Iterator[tuple[str, dict[str, object]]]:
    """Of each preset how many pods it has of each thing that it counts; a preset of nodes has those that fit."""
    for name, each in PRESETS.items():
        for counted in _COUNTED & each.parameters.keys():
            plan = PlanSection.model_validate_json(json.dumps(each.fragment({counted: 1}, nodes=1)["plan"]))
            yield (
                name,
                {
                    "counted": counted,
                    "usual": each.parameters[counted],
                    "pods": pods(plan.value(), nodes=1),
                    "latencyPods": each.parameters.get("latencyPods", 0),
                },
            )


def _json(value: object) -> str:
    return f"`{json.dumps(value)}`"


def _words(words: Iterable[str]) -> str:
    return " ".join(f'"{each}"' for each in words)


def _number(value: str, form: str = "%d") -> str:
    return f'(printf "{form}" {value} | include "experiment.density.grouped")'


def _filled(sentence: str, **gaps: str) -> str:
    """The words with their gaps filled, as an expression of templates."""
    form = _GAP.sub("%s", sentence.replace("%", "%%"))
    return f"printf {json.dumps(form)} {' '.join(gaps[name] for name in _GAP.findall(sentence))}"


def _failure(sentence: str, **gaps: str) -> str:
    return _filled(f"density: {sentence}", **gaps)
