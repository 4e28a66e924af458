{{/* What all objects are labelled with. */}}
{{- define "autox.labels" -}}
{{ include "autox.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/part-of: autox
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- define "autox.selector" -}}
app.kubernetes.io/name: autox
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "autox.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{/* The image that experiments run if their values name none, as JSON: what differs from the chart's own default. */}}
{{- define "autox.experimentImage" -}}
{{- $image := dict }}
{{- if ne .Values.image.repository "autox" }}{{- $_ := set $image "repository" .Values.image.repository }}{{- end }}
{{- if .Values.image.tag }}{{- $_ := set $image "tag" .Values.image.tag }}{{- end }}
{{- if ne .Values.image.pullPolicy "IfNotPresent" }}{{- $_ := set $image "pullPolicy" .Values.image.pullPolicy }}{{- end }}
{{- $image | toJson }}
{{- end }}

{{- define "autox.container" -}}
image: {{ include "autox.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
{{- end }}

{{- define "autox.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile:
  type: RuntimeDefault
{{- end }}
