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
{{- $services := list }}
{{- if has "ready" .Values.tasks }}
{{- $where := .Values.ready.namespace | default $own }}
{{- with .Values.ready.deploy }}
{{- $rules = append $rules (dict "namespace" $where "rule" (dict "apiGroups" (list "apps") "resources" (list "deployments") "resourceNames" (list .) "verbs" (list "get"))) }}
{{- $rules = append $rules (dict "namespace" $where "rule" (dict "apiGroups" (list "apps") "resources" (list "replicasets") "verbs" (list "list"))) }}
{{- $rules = append $rules (dict "namespace" $where "rule" (dict "apiGroups" (list "") "resources" (list "pods") "verbs" (list "list"))) }}
{{- end }}
{{- with .Values.ready.service }}
{{- $services = append $services (dict "namespace" $where "name" .) }}
{{- end }}
{{- range .Values.ready.objects }}
{{- $rules = append $rules (dict "namespace" (.namespace | default $where) "rule" (dict "apiGroups" (list (.group | default "")) "resources" (list .resource) "resourceNames" (list .name) "verbs" (list "get"))) }}
{{- end }}
{{- end }}
{{- if has "http" .Values.tasks }}
{{- /* NB: where the cluster has no DNS, the load generator asks the API server for the addresses of a Service. */}}
{{- with include "experiment.service" (dict "url" .Values.http.url "namespace" $own) }}
{{- $services = append $services (dict "namespace" $own "name" .) }}
{{- end }}
{{- end }}
{{- range uniq $services }}
{{- $rules = append $rules (dict "namespace" .namespace "rule" (dict "apiGroups" (list "") "resources" (list "services") "resourceNames" (list .name) "verbs" (list "get"))) }}
{{- $rules = append $rules (dict "namespace" .namespace "rule" (dict "apiGroups" (list "discovery.k8s.io") "resources" (list "endpointslices") "verbs" (list "list"))) }}
{{- end }}
{{- uniq $rules | toJson }}
{{- end }}
