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
