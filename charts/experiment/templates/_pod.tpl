{{/* The pod template of the Job and of the CronJob. */}}
{{- define "experiment.pod" -}}
{{- $kinds := include "experiment.listed" . | fromJsonArray }}
{{- $grace := 0 }}
{{- $sidecars := list }}
{{- range $kinds }}
{{- $grace = max $grace .grace }}
{{- if .sidecar }}
{{- $sidecars = append $sidecars .name }}
{{- end }}
{{- end -}}
metadata:
  labels:
    {{- include "experiment.labels" . | nindent 4 }}
    {{- include "experiment.podLabels" . | replace "\n" "\n    " }}
  {{- if .Values.podAnnotations }}
  annotations:
    {{- include "experiment.podAnnotations" . | replace "\n" "\n    " }}
  {{- end }}
spec:
  serviceAccountName: {{ include "experiment.serviceAccountName" . | quote }}
  {{- include "experiment.placement" . | replace "\n" "\n  " }}
  restartPolicy: Never
  # Time for the result to be written and, after a density test, for all its virtual nodes and pods to be deleted.
  terminationGracePeriodSeconds: {{ $grace }}
  enableServiceLinks: false
  securityContext:
    runAsNonRoot: true
    runAsUser: 65532
    runAsGroup: 65532
    fsGroup: 65532
    seccompProfile:
      type: RuntimeDefault
  {{- with $sidecars }}
  initContainers:
    {{- range . }}
    {{- include (printf "experiment.%s.sidecar" .) $ | nindent 4 }}
    {{- end }}
  {{- end }}
  containers:
    - name: experiment
      args: [run, -f, /etc/autox/experiment.yaml, --experiment, {{ printf "$(NAMESPACE)/%s" .Release.Name | quote }}]
      {{- include "experiment.container" . | nindent 6 }}
      {{- with .Values.resources }}
      resources: {{ toRawJson . }}
      {{- end }}
  volumes:
    - name: experiment
      projected:
        defaultMode: 0440
        sources:
          - secret:
              name: {{ .Workload | splitList "/" | last | default .Release.Name | quote }}
              items:
                - key: experiment.yaml
                  path: experiment.yaml
          {{- range $kind := $kinds }}
          {{- range $field, $key := .secrets }}
          {{- with index $.Values $kind.name $field }}
          - secret:
              name: {{ . | quote }}
              items:
                - key: {{ $key }}
                  path: {{ $kind.name }}/{{ $key }}
          {{- end }}
          {{- end }}
          {{- end }}
          {{- include "experiment.caBundle" . | replace "\n" "\n          " }}
    - name: tmp
      emptyDir: {}
{{- end }}

{{/* What both containers have. */}}
{{- define "experiment.container" -}}
image: {{ printf "%s:%s" .Values.image.repository (.Values.image.tag | default .Chart.AppVersion) | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy | quote }}
env:
  - name: NAMESPACE
    valueFrom:
      fieldRef:
        fieldPath: metadata.namespace
  - name: POD_NAME
    valueFrom:
      fieldRef:
        fieldPath: metadata.name
  - name: NODE_NAME
    valueFrom:
      fieldRef:
        fieldPath: spec.nodeName
  - name: WORKLOAD
    value: {{ .Workload | quote }}
  - name: AUTOX_LOG_LEVEL
    value: {{ .Values.logLevel | quote }}
  {{- if .Values.caBundle }}
  - name: AUTOX_CA_BUNDLE
    value: /etc/autox/ca/ca.crt
  {{- end }}
  {{- include "experiment.env" . | replace "\n" "\n  " }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
volumeMounts:
  - name: experiment
    mountPath: /etc/autox
    readOnly: true
  - name: tmp
    mountPath: /tmp
{{- end }}

{{/* The spec of the Job, and of the Jobs of the CronJob. */}}
{{- define "experiment.job" -}}
backoffLimit: 0
activeDeadlineSeconds: {{ .Values.activeDeadlineSeconds }}
template:
  {{- include "experiment.pod" . | nindent 2 }}
{{- end }}
