{{/* What the controller needs to take up its rights in namespaces that come later. RBAC lets it make bindings of these
names to these ClusterRoles, and cannot say where; the policy says where, and that nobody else is in them. Before
Kubernetes 1.30 there are no such policies: then it gets neither, and its rights with the next upgrade of the chart.
Argument: root, waiting: a list of {group, namespace}. */}}
{{- define "autox.arrivals" -}}
{{- if and .waiting (.root.Capabilities.APIVersions.Has "admissionregistration.k8s.io/v1/ValidatingAdmissionPolicy") }}
{{- $roles := list }}
{{- $bindings := list }}
{{- range .waiting }}
{{- $roles = append $roles (printf "autox:%s:%s" .group .namespace) }}
{{- $bindings = append $bindings (printf "autox:%s" .group) | uniq }}
{{- end }}
{{- $account := printf "system:serviceaccount:%s:%s" .root.Release.Namespace (include "autox.account" .root) }}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata:
  name: autox-arrivals
  labels:
    {{- include "autox.labels" .root | nindent 4 }}
spec:
  failurePolicy: Fail
  matchConstraints:
    resourceRules:
      - apiGroups: [rbac.authorization.k8s.io]
        apiVersions: ["*"]
        operations: [CREATE, UPDATE]
        resources: [rolebindings]
  matchConditions:
    - name: controller
      expression: {{ printf "request.userInfo.username == %q" $account | quote }}
  validations:
    # What it binds in Roles is held against what it may do itself; in a ClusterRole only this.
    - expression: >-
        object.roleRef.kind != "ClusterRole" || (
        object.roleRef.name in {{ toRawJson $roles }} &&
        object.roleRef.name == object.metadata.name + ":" + object.metadata.namespace &&
        object.subjects.all(one, one.kind == "ServiceAccount" && one.name == {{ include "autox.account" .root | quote }} &&
        one.namespace == {{ .root.Release.Namespace | quote }}))
      message: autox binds its own rights in the namespaces of its groups, and nothing else
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata:
  name: autox-arrivals
  labels:
    {{- include "autox.labels" .root | nindent 4 }}
spec:
  policyName: autox-arrivals
  validationActions: [Deny]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: autox-arrivals
  labels:
    {{- include "autox.labels" .root | nindent 4 }}
rules:
  - apiGroups: [rbac.authorization.k8s.io]
    resources: [rolebindings]
    resourceNames: {{ toRawJson $bindings }}
    verbs: [create, patch]
  - apiGroups: [rbac.authorization.k8s.io]
    resources: [clusterroles]
    resourceNames: {{ toRawJson $roles }}
    verbs: [get, bind]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: autox-arrivals
  labels:
    {{- include "autox.labels" .root | nindent 4 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: autox-arrivals
subjects:
  - kind: ServiceAccount
    name: {{ include "autox.account" .root | quote }}
    namespace: {{ .root.Release.Namespace | quote }}
{{- end }}
{{- end }}
