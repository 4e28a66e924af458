{{/* What all objects are labelled with. */}}
{{- define "autox.labels" -}}
{{ include "autox.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service | quote }}
app.kubernetes.io/part-of: autox
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | quote }}
{{- end }}

{{- define "autox.selector" -}}
app.kubernetes.io/name: autox
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end }}

{{/* The ServiceAccount. The one called default is there in every namespace, and Helm may not take it over. */}}
{{- define "autox.account" -}}
{{ eq .Release.Name "default" | ternary "autox-default" .Release.Name }}
{{- end }}

{{- define "autox.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{- define "autox.container" -}}
image: {{ include "autox.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy | quote }}
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

{{/* Whether anything that is wanted is not found so: text if it is. Argument: wanted, found. */}}
{{- define "autox.differs" -}}
{{- if and (kindIs "map" .wanted) (kindIs "map" .found) }}
{{- range $key, $value := .wanted }}
{{- include "autox.differs" (dict "wanted" $value "found" (index $.found $key)) }}
{{- end }}
{{- else if and (kindIs "slice" .wanted) (kindIs "slice" .found) (eq (len .wanted) (len .found)) }}
{{- range $index, $value := .wanted }}
{{- include "autox.differs" (dict "wanted" $value "found" (index $.found $index)) }}
{{- end }}
{{- else if ne (toJson .wanted) (toJson .found) }}
{{- "differs" }}
{{- end }}
{{- end }}
