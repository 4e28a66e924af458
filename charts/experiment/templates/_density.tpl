{{/* What runs beside task density, for the pod's initContainers. */}}
{{- define "experiment.density.sidecar" -}}
# A sidecar: ends after the experiment and however that ended, and deletes what it left on the cluster under test.
- name: sweep
  restartPolicy: Always
  args:
    - density
    - sweep
    {{- if .Values.density.kubeconfigSecret }}
    - --kubeconfig
    - /etc/autox/density/kubeconfig
    {{- else }}
    - --cluster
    - {{ .Values.density.cluster | quote }}
    {{- end }}
    - --run
    - {{ .Workload | splitList "/" | last | default .Release.Name | printf "$(NAMESPACE)/%s" | quote }}
    - --when-told
    {{- if .Values.density.allowExec }}
    - --allow-exec
    {{- end }}
  {{- include "experiment.container" . | nindent 2 }}
  resources:
    requests:
      cpu: 10m
      memory: 64Mi
    limits:
      memory: 512Mi
{{- end }}

{{/* When the object of a number is due under rates that follow each other. Argument: steps, number. */}}
{{- define "experiment.density.climbed" -}}
{{- $begin := 0.0 }}
{{- $left := float64 .number }}
{{- $at := "" }}
{{- range $index, $step := .steps }}
{{- if not $at }}
{{- $qps := float64 $step.qps }}
{{- $seconds := include "experiment.density.seconds" $step.duration | float64 }}
{{- if or (lt $left (mulf $qps $seconds)) (eq (add1 $index) (len $.steps | int64)) }}
{{- $at = divf $left $qps | addf $begin | printf "%.17g" }}
{{- else }}
{{- $begin = addf $begin $seconds }}
{{- $left = subf $left (mulf $qps $seconds) }}
{{- end }}
{{- end }}
{{- end }}
{{- $at }}
{{- end }}

{{/* The seconds of a duration such as 1m30s. */}}
{{- define "experiment.density.seconds" -}}
{{- $seconds := 0.0 }}
{{- $units := dict "ns" 1e-9 "us" 1e-6 "µs" 1e-6 "μs" 1e-6 "ms" 1e-3 "s" 1.0 "m" 60.0 "h" 3600.0 }}
{{- range regexFindAll "[0-9.]+[a-zµμ]+" . -1 }}
{{- $number := regexFind "^[0-9.]+" . }}
{{- $seconds = trimPrefix $number . | index $units | mulf (float64 $number) | addf $seconds }}
{{- end }}
{{- printf "%.17g" $seconds }}
{{- end }}

{{/* The bytes of a size such as 4KiB. */}}
{{- define "experiment.density.bytes" -}}
{{- $units := dict "B" 1 "KiB" 1024 "MiB" 1048576 "GiB" 1073741824 }}
{{- $number := regexFind "^[0-9]+" . }}
{{- trimPrefix $number . | index $units | mul (int64 $number) }}
{{- end }}

{{/* A whole number of digits, or the digits of a number before its point, in groups of three. */}}
{{- define "experiment.density.grouped" -}}
{{- $text := . }}
{{- range until 5 }}
{{- $text = regexReplaceAll "^([0-9]+)([0-9]{3})($|[,.])" $text "${1},${2}${3}" }}
{{- end }}
{{- $text }}
{{- end }}
