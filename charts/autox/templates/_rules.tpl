{{/* What launching takes in a trigger's namespace, whatever is launched. The API server lets nobody grant what he may
not do himself, so the controller may do all that the Role of an experiment grants. */}}
{{- define "autox.launchingRules" -}}
# The records of experiments; they are read in the whole cluster.
- apiGroups: [autox.dev]
  resources: [experiments]
  verbs: [create, delete]
- apiGroups: [autox.dev]
  resources: [experiments/status]
  verbs: [patch]
# Helm's own records, and what the chart of an experiment installs; listed where Helm has forgotten what it installed.
- apiGroups: [""]
  resources: [secrets]
  verbs: [get, list, create, patch, update, delete]
- apiGroups: [""]
  resources: [serviceaccounts]
  verbs: [get, list, create, patch, delete]
- apiGroups: [rbac.authorization.k8s.io]
  resources: [roles, rolebindings]
  verbs: [get, list, create, patch, delete]
- apiGroups: [batch]
  resources: [jobs, cronjobs]
  verbs: [get, list, create, patch, delete]
# Why a Job does not start, and what became of it: that takes pods besides, which are granted below.
- apiGroups: [""]
  resources: [events]
  verbs: [list, create, patch]
{{ include "autox.grantedRules" . }}
{{- end }}

{{/* What the Role of an experiment grants, but for its own objects and those that the values list with their kinds. */}}
{{- define "autox.grantedRules" -}}
{{- $rules := list }}
{{- range include "autox.tasks" . | fromJsonArray }}
{{- range .rights }}
{{- if ne .of "objects" }}
{{- $rules = append $rules (dict "apiGroups" (list .group) "resources" (list .resource) "verbs" .verbs) }}
{{- end }}
{{- end }}
{{- end }}
{{- uniq $rules | toYaml }}
{{- end }}

{{/* Where experiments of a trigger elsewhere look whether their pods are ready. */}}
{{- define "autox.lookingRules" -}}
- apiGroups: [rbac.authorization.k8s.io]
  resources: [roles, rolebindings]
  verbs: [get, create, patch, delete]
{{ include "autox.grantedRules" . }}
{{- end }}

{{/* What one group needs besides, as JSON: a list of {namespace, rule}; a rule of null only says that something is
installed in that namespace. Argument: the group. */}}
{{- define "autox.groupRules" -}}
{{- $home := .trigger.namespace }}
{{- $rules := list (dict "namespace" $home "rule" (dict "apiGroups" (list (.trigger.group | default "")) "resources" (list .trigger.resource) "verbs" (list "get" "list" "watch"))) }}
{{- range $spec := .specs }}
{{- $values := .values | default dict }}
{{- range $kind := include "autox.tasks" $ | fromJsonArray }}
{{- $with := index $values .name }}
{{- if and (not $spec.repo) .rights (has .name ($values.tasks | default list)) $with (kindIs "map" $with) }}
{{- $where := .namespaced | ternary $with.namespace "" | default $home }}
{{- $rules = append $rules (dict "namespace" $where "rule" nil) }}
{{- range $right := .rights }}
{{- range eq .of "objects" | ternary (index $with .field) list }}
{{- $rules = append $rules (dict "namespace" (.namespace | default $where) "rule" (dict "apiGroups" (list (.group | default "")) "resources" (list .resource) "resourceNames" (list .name) "verbs" $right.verbs)) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- uniq $rules | toJson }}
{{- end }}

{{/* Whether a group's rights in a namespace wait for it, in a ClusterRole: "waits", or nothing. They do where the
namespace is not there, or came later, and the controller bound them. `helm template` sees no cluster, and takes every
namespace to be there. Argument: root, group, namespace. */}}
{{- define "autox.waits" -}}
{{- if and (ne .namespace .root.Release.Namespace) (lookup "v1" "Namespace" "" "default") }}
{{- $binding := lookup "rbac.authorization.k8s.io/v1" "RoleBinding" .namespace (printf "autox:%s" .group) }}
{{- $found := lookup "v1" "Namespace" "" .namespace }}
{{- if or (not $found) (dig "metadata" "deletionTimestamp" "" $found) (eq (dig "roleRef" "kind" "" $binding) "ClusterRole") }}
{{- "waits" }}
{{- end }}
{{- end }}
{{- end }}

{{/* What a group may in one namespace: a Role bound to the controller, or a ClusterRole that waits for the namespace.
Argument: root, group, namespace, rules, waits. */}}
{{- define "autox.groupRole" -}}
{{- if .waits }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: {{ printf "autox:%s:%s" .group .namespace | quote }}
  labels:
    {{- include "autox.labels" .root | nindent 4 }}
  annotations:
    # Whom the controller binds it to: itself.
    autox.dev/account: {{ include "autox.account" .root | quote }}
rules:
  {{- range .rules }}
  - {{ toRawJson . }}
  {{- end }}
{{- else }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: {{ printf "autox:%s" .group | quote }}
  namespace: {{ .namespace | quote }}
  labels:
    {{- include "autox.labels" .root | nindent 4 }}
rules:
  {{- range .rules }}
  - {{ toRawJson . }}
  {{- end }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: {{ printf "autox:%s" .group | quote }}
  namespace: {{ .namespace | quote }}
  labels:
    {{- include "autox.labels" .root | nindent 4 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: {{ printf "autox:%s" .group | quote }}
subjects:
  - kind: ServiceAccount
    name: {{ include "autox.account" .root | quote }}
    namespace: {{ .root.Release.Namespace | quote }}
{{- end }}
{{- end }}
