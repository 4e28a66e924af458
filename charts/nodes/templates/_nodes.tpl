{{/* What all objects are labelled with. */}}
{{- define "nodes.labels" -}}
{{ include "nodes.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service | quote }}
app.kubernetes.io/part-of: autox
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | quote }}
{{- end }}

{{- define "nodes.selector" -}}
app.kubernetes.io/name: nodes
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end }}

{{/* What no schema can say. */}}
{{- define "nodes.check" -}}
{{- if gt (len .Release.Name) 52 }}
{{- fail (printf "release name %s: must not be longer than 52 characters, the limit of a StatefulSet whose pods can be labelled" .Release.Name) }}
{{- end }}
{{- $nodes := mul .Values.replicas .Values.nodesPerReplica }}
{{- if and (eq .Values.mode "faithful") (gt $nodes 20000) }}
{{- fail (printf "replicas times nodesPerReplica: in mode faithful at most 20000 nodes, for the role of their identity names each; these are %d" $nodes) }}
{{- end }}
{{- end }}

{{/* What is not in a namespace, or in another one, is named after the release and its namespace. */}}
{{- define "nodes.grant" -}}
autox-nodes:{{ .Release.Namespace }}:{{ .Release.Name }}
{{- end }}

{{/* NB: an account called default is there in every namespace, and Helm may not take it over. */}}
{{- define "nodes.account" -}}
{{ eq .Release.Name "default" | ternary "nodes-default" .Release.Name }}
{{- end }}

{{/* Puts into the values that no agent is to run on a mock node, which would only say that it runs. Of the terms that
users give for nodes one is enough, so each of them is told. */}}
{{- define "nodes.offMockNodes" -}}
{{- $rule := dict "key" "autox.dev/provider" "operator" "NotIn" "values" (list "mock") }}
{{- $affinity := .Values.affinity | default dict }}
{{- $node := $affinity.nodeAffinity | default dict }}
{{- $required := $node.requiredDuringSchedulingIgnoredDuringExecution | default dict }}
{{- $terms := list }}
{{- range $required.nodeSelectorTerms | default (list (dict "matchExpressions" list)) }}
{{- /* NB: a term without anything matches no node. */}}
{{- $terms = append $terms (empty . | ternary . (merge (dict "matchExpressions" (append (.matchExpressions | default list) $rule)) .)) }}
{{- end }}
{{- $required = merge (dict "nodeSelectorTerms" $terms) $required }}
{{- $node = merge (dict "requiredDuringSchedulingIgnoredDuringExecution" $required) $node }}
{{- $_ := set .Values "affinity" (merge (dict "nodeAffinity" $node) $affinity) }}
{{- end }}
