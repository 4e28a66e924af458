{{/* What all objects are labelled with. */}}
{{- define "experiment.labels" -}}
app.kubernetes.io/name: experiment
app.kubernetes.io/instance: {{ .Release.Name | quote }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service | quote }}
app.kubernetes.io/part-of: autox
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | quote }}
{{- end }}

{{/* What no schema can say. */}}
{{- define "experiment.check" -}}
{{- if gt (len .Release.Name) 52 }}
{{- fail (printf "release name %s: must not be longer than 52 characters, the limit of a CronJob" .Release.Name) }}
{{- end }}
{{- $done := list }}
{{- $official := false }}
{{- range $kind := include "experiment.listed" . | fromJsonArray }}
{{- if .sums }}
{{- include (printf "experiment.%s.sums" .name) (index $.Values .name) }}
{{- end }}
{{- $slos := .slos | empty | ternary dict (index $.Values .name .slos) }}
{{- if and (kindIs "string" $slos) (not $official) }}
{{- $makers := list }}
{{- range include "experiment.tasks" $ | fromJsonArray }}
{{- if .official }}
{{- $makers = append $makers .name }}
{{- end }}
{{- end }}
{{- fail (printf "%s.%s: %s needs task %s, listed before %s" .name .slos $slos (join " or " $makers) .name) }}
{{- end }}
{{- range $bound, $limits := kindIs "map" $slos | ternary $slos dict }}
{{- range $metric, $limit := $limits }}
{{- $maker := splitList "/" $metric | first }}
{{- if not (has $maker $done) }}
{{- fail (printf "%s.%s.%s.%s: needs task %s, listed before %s" $kind.name $kind.slos $bound $metric $maker $kind.name) }}
{{- end }}
{{- end }}
{{- end }}
{{- $done = append $done .name }}
{{- $official = or $official .official }}
{{- end }}
{{- end }}

{{/* The experiment document, as JSON: a number stays the number that was given. */}}
{{- define "experiment.document" -}}
{{- $tasks := list }}
{{- range $kind := include "experiment.listed" . | fromJsonArray }}
{{- $with := index $.Values .name | deepCopy }}
{{- range $field, $key := .secrets }}
{{- if hasKey $with $field }}
{{- $with = set (omit $with $field) $key (printf "%s/%s" $kind.name $key) }}
{{- end }}
{{- end }}
{{- $tasks = append $tasks (dict "task" .name "with" $with) }}
{{- end }}
{{- dict "tasks" $tasks | toRawJson }}
{{- end }}

{{/* What the Job or CronJob is called. Jobs cannot be changed, so any change of what is run makes another one, and an
upgrade that changes nothing keeps it with its result. A CronJob's name has 52 characters at most, a Job's 63. */}}
{{- define "experiment.workloadName" -}}
{{- $run := dict "Values" .Values "Release" .Release "Chart" .Chart "Workload" "" }}
{{- $digest := printf "%s\n%s" (include "experiment.document" .) (include "experiment.job" $run) | sha256sum | trunc 8 }}
{{- printf "%s-%s" (trunc (eq .Values.runner "cronjob" | ternary 43 52) .Release.Name | trimAll "-.") $digest }}
{{- end }}

{{/* The spec of the Job, which knows by which name its results are told from those of an earlier one. */}}
{{- define "experiment.run" -}}
{{- $kind := eq .Values.runner "cronjob" | ternary "CronJob" "Job" }}
{{- $workload := printf "%s/%s" $kind (include "experiment.workloadName" .) }}
{{- include "experiment.job" (dict "Values" .Values "Release" .Release "Chart" .Chart "Workload" $workload) }}
{{- end }}

{{/* NB: an account called default is there in every namespace, and Helm may not take it over. */}}
{{- define "experiment.serviceAccountName" -}}
{{ .Values.serviceAccountName | default (eq .Release.Name "default" | ternary "experiment-default" .Release.Name) }}
{{- end }}
