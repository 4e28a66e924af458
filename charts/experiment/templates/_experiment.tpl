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
{{- range $task := .Values.tasks }}
{{- if eq $task "assess" }}
{{- range $bound, $limits := $.Values.assess.SLOs }}
{{- range $metric, $limit := $limits }}
{{- $maker := splitList "/" $metric | first }}
{{- if not (has $maker $done) }}
{{- fail (printf "assess.SLOs.%s.%s: needs task %s, listed before assess" $bound $metric $maker) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- $done = append $done $task }}
{{- end }}
{{- end }}

{{/* The experiment document, as JSON: a number stays the number that was given. */}}
{{- define "experiment.document" -}}
{{- $tasks := list }}
{{- range $task := .Values.tasks }}
{{- $with := index $.Values $task | deepCopy }}
{{- if hasKey $with "kubeconfigSecret" }}
{{- $with = set (omit $with "kubeconfigSecret") "kubeconfig" "density/kubeconfig" }}
{{- end }}
{{- $tasks = append $tasks (dict "task" $task "with" $with) }}
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
