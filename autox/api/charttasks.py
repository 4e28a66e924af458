"""What a chart's templates have to know of the tasks: ``templates/_tasks.tpl``, made of the table of tasks.

Data, and the one look-up that each template would have of its own else. What is done with it stands in the charts,
which name no task: Roles in ``_rules.tpl``, the document in ``_experiment.tpl``, the pod in ``_pod.tpl``.

The same text for the controller's chart and the experiment's, for charts that are packed one by one share no templates.
"""

import json
from typing import Any

from autox.api.tasks.kind import Kind
from autox.api.tasks.rights import Right
from autox.api.tasks.table import KINDS

_TEXT = """\
{{/* %NOTE% */}}

{{/* The tasks there are, as JSON: a list. */}}
{{- define "%CHART%.tasks" -}}
%TASKS%
{{- end }}

{{/* Those of them that are listed in .Values.tasks, in that order. */}}
{{- define "%CHART%.listed" -}}
{{- $kinds := include "%CHART%.tasks" . | fromJsonArray }}
{{- $listed := list }}
{{- range $name := .Values.tasks }}
{{- range $kinds }}
{{- if eq .name $name }}
{{- $listed = append $listed . }}
{{- end }}
{{- end }}
{{- end }}
{{- toJson $listed }}
{{- end }}
"""


def tasks_template(chart: str, *, note: str) -> str:
    """The text of the file.

    Args:
        chart: its name, which the templates' names begin with.
        note: that the file is generated.
    """
    tasks = ",\n".join(f"  {json.dumps(_told(kind), ensure_ascii=False)}" for kind in KINDS.values())
    return _TEXT.replace("%NOTE%", note).replace("%CHART%", chart).replace("%TASKS%", f"[\n{tasks}\n]")


def _told(kind: Kind) -> dict[str, Any]:
    return {
        "name": kind.name,
        "namespaced": kind.is_namespaced,
        "rights": [_right(each) for each in kind.rights],
        "secrets": dict(kind.secrets),
        "sidecar": kind.sidecar,
        "sums": kind.sums,
        "grace": kind.grace,
        "slos": kind.slos,
        "official": bool(kind.official),
    }


def _right(right: Right) -> dict[str, Any]:
    return {
        "field": right.field,
        "of": right.of.value,
        "group": right.group,
        "resource": right.resource,
        "verbs": list(right.verbs),
        "named": right.named,
    }
