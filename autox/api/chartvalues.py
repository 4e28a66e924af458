"""What each chart's templates do with the values before they read any: ``templates/_values.tpl``.

Null is absent, as in the schema next door: Helm's users take things away by ``--set key=null``, Helm drops such a key
only where the chart's values.yaml has one, and takes away what values.yaml says then. So templates remove the nulls,
and put in the models' own defaults where nothing is left.

The values of experiment specs pass as they are: for another chart a null may mean something, and over ``valuesFrom`` it
takes away what stands there.

Rejected: ``default`` wherever a template reads a value. The next reader forgets it.
"""

import json

from autox.api.documents import Document
from autox.api.structural import inlined

_TEXT = """\
{{/* %NOTE% */}}

{{/* To be included before values are read: takes null for absent, and puts in what is absent. */}}
{{- define "%CHART%.values" -}}
{{- include "%CHART%.withoutNulls" (dict "at" "" "in" .Values) }}
{{- include "%CHART%.withDefaults" (dict "in" .Values "defaults" (include "%CHART%.defaults" . | fromJson)) }}
{{- end }}

{{- define "%CHART%.withoutNulls" -}}
{{- range $key, $value := .in }}
{{- $at := printf "%s/%s" $.at $key }}
{{- if and (kindIs "invalid" $value) (kindIs "map" $.in) }}
{{- $_ := unset $.in $key }}
{{- else if regexMatch "^/groups/[^/]+/specs/[^/]+/values$" $at }}
{{- else if has (kindOf $value) (list "map" "slice") }}
{{- include "%CHART%.withoutNulls" (dict "at" $at "in" $value) }}
{{- end }}
{{- end }}
{{- end }}

{{- define "%CHART%.withDefaults" -}}
{{- range $key, $value := .defaults }}
{{- if not (hasKey $.in $key) }}
{{- $_ := set $.in $key $value }}
{{- else if kindIs "map" $value }}
{{- include "%CHART%.withDefaults" (dict "in" (index $.in $key) "defaults" $value) }}
{{- end }}
{{- end }}
{{- end }}

{{- define "%CHART%.defaults" -}}
%DEFAULTS%
{{- end }}
"""


def values_template(chart: str, model: type[Document], *, note: str) -> str:
    """The text of the file.

    Args:
        chart: its name, which the templates' names begin with.
        model: of its values.
        note: that the file is generated.
    """
    fields = inlined(model.model_json_schema(by_alias=True))["properties"]
    defaults = {name: each["default"] for name, each in fields.items() if "default" in each}
    text = _TEXT.replace("%NOTE%", note).replace("%CHART%", chart)
    return text.replace("%DEFAULTS%", json.dumps(defaults, indent=2, ensure_ascii=False))
