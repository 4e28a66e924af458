{{/* The host of a URL as the load generator has it: in lower case, without the final dot, without port and password. */}}
{{- define "experiment.host" -}}
{{- $authority := regexFind "^[^/?#]*" (regexReplaceAll "^[A-Za-z]+://" .url "") -}}
{{- regexReplaceAll ":[0-9]*$" (regexReplaceAll "^.*@" $authority "") "" | lower | trimSuffix "." -}}
{{- end }}

{{/* The Service of its own namespace that the host of a URL may be; nothing if it is none. As in resolving.py. */}}
{{- define "experiment.service" -}}
{{- $host := include "experiment.host" . -}}
{{- if and (not (contains "xn--" $host)) (regexMatch (printf "^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.]%s([.]svc([.]cluster[.]local)?)?)?$" .namespace) $host) -}}
{{- splitList "." $host | first -}}
{{- end -}}
{{- end }}

{{/* What the experiment may do, as JSON: a list of {namespace, rule}. Nothing here names more than its own objects, but
for lists, which cannot name objects. */}}
{{- define "experiment.rules" -}}
{{- $own := .Release.Namespace }}
{{- $rules := list
  (dict "namespace" $own "rule" (dict "apiGroups" (list "autox.dev") "resources" (list "experiments") "resourceNames" (list .Release.Name) "verbs" (list "get")))
  (dict "namespace" $own "rule" (dict "apiGroups" (list "autox.dev") "resources" (list "experiments/status") "resourceNames" (list .Release.Name) "verbs" (list "patch")))
  (dict "namespace" $own "rule" (dict "apiGroups" (list "") "resources" (list "secrets") "resourceNames" (list (printf "%s-result" .Release.Name)) "verbs" (list "get" "patch")))
}}
{{- with .Values.underTest }}
{{- $rules = append $rules (dict "namespace" $own "rule" (dict "apiGroups" (list (.group | default "")) "resources" (list .resource) "resourceNames" (list .name) "verbs" (list "get" "list" "watch"))) }}
{{- $rules = append $rules (dict "namespace" $own "rule" (dict "apiGroups" (list "") "resources" (list "pods") "verbs" (list "list"))) }}
{{- end }}
{{- if ne .Values.runner "none" }}
{{- $kind := eq .Values.runner "cronjob" | ternary "cronjobs" "jobs" }}
{{- $rules = append $rules (dict "namespace" $own "rule" (dict "apiGroups" (list "batch") "resources" (list $kind) "resourceNames" (list (include "experiment.workloadName" .)) "verbs" (list "get"))) }}
{{- end }}
{{- range include "experiment.tasks" . | fromJsonArray }}
{{- if has .name $.Values.tasks }}
{{- $rules = concat $rules (include "experiment.taskRules" (dict "kind" . "with" (index $.Values .name) "namespace" $own) | fromJsonArray) }}
{{- end }}
{{- end }}
{{- uniq $rules | toJson }}
{{- end }}

{{/* What one task needs, likewise. Argument: kind, with: what the task is told, namespace: the experiment's own. */}}
{{- define "experiment.taskRules" -}}
{{- $where := .kind.namespaced | ternary .with.namespace "" | default .namespace }}
{{- $rules := list }}
{{- range $right := .kind.rights }}
{{- $given := index $.with .field }}
{{- $objects := list }}
{{- if eq .of "objects" }}
{{- $objects = $given }}
{{- else }}
{{- if eq .of "url" }}
{{- $given = include "experiment.service" (dict "url" $given "namespace" $where) }}
{{- end }}
{{- with $given }}
{{- $objects = list (dict "group" $right.group "resource" $right.resource "name" .) }}
{{- end }}
{{- end }}
{{- range $objects }}
{{- $rule := dict "apiGroups" (list (.group | default "")) "resources" (list .resource) "verbs" $right.verbs }}
{{- if $right.named }}
{{- $rule = set $rule "resourceNames" (list .name) }}
{{- end }}
{{- $rules = append $rules (dict "namespace" (.namespace | default $where) "rule" $rule) }}
{{- end }}
{{- end }}
{{- toJson $rules }}
{{- end }}
