"""What each chart's pods are made of that its users choose, and none of it is the chart's own: ``templates/_pods.tpl``.

The same text for every chart, for charts that are packed one by one share no templates. ``pods`` next door says what
the values may be.

Rejected: a library chart. Helm wants it unpacked inside each of the others, and users would see one chart more.
"""

_TEXT = """\
{{/* %NOTE% */}}

{{/* All of these begin with a line break, for `replace "\\n" "\\n  "` to indent them; or are nothing. */}}

{{/* Where a pod runs, how it ranks, and with what its images are pulled. */}}
{{- define "%CHART%.placement" -}}
{{- range $key := list "imagePullSecrets" "nodeSelector" "tolerations" "affinity" "priorityClassName" }}
{{- with index $.Values $key }}
{{ $key }}: {{ toRawJson . }}
{{- end }}
{{- end }}
{{- end }}

{{/* Labels of a pod beside the chart's own. */}}
{{- define "%CHART%.podLabels" -}}
{{- range $key, $value := .Values.podLabels }}
{{ quote $key }}: {{ quote $value }}
{{- end }}
{{- end }}

{{/* Annotations likewise. */}}
{{- define "%CHART%.podAnnotations" -}}
{{- range $key, $value := .Values.podAnnotations }}
{{ quote $key }}: {{ quote $value }}
{{- end }}
{{- end }}

{{/* Variables of a container beside the chart's own. */}}
{{- define "%CHART%.env" -}}
{{- range .Values.env }}
- {{ toRawJson . }}
{{- end }}
{{- end }}

{{/* A source of a projected volume: the certificates that are trusted beside the system's. */}}
{{- define "%CHART%.caBundle" -}}
{{- with .Values.caBundle }}
{{- $items := list (dict "key" (.key | default "ca.crt") "path" "ca/ca.crt") }}
{{- $source := dict "name" (.configMap | default .secret) "items" $items }}
- {{ dict (empty .configMap | ternary "secret" "configMap") $source | toRawJson }}
{{- end }}
{{- end }}
"""


def pods_template(chart: str, *, note: str) -> str:
    """The text of the file.

    Args:
        chart: its name, which the templates' names begin with.
        note: that the file is generated.
    """
    return _TEXT.replace("%NOTE%", note).replace("%CHART%", chart)
