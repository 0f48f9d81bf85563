{{- define "towpath.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" }}
{{- end }}

{{/* The prefix of everything's name: the release's, with the chart's unless that is in it. */}}
{{- define "towpath.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" }}
{{- else if contains (include "towpath.name" .) .Release.Name }}
{{- .Release.Name | trunc 40 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "towpath.name" .) | trunc 40 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{/* The prefix of what has no namespace: two releases must not share it. */}}
{{- define "towpath.clusterName" -}}
{{- $full := include "towpath.fullname" . }}
{{- if eq $full .Release.Namespace }}{{ $full }}{{ else }}{{ printf "%s-%s" .Release.Namespace $full | trunc 50 | trimSuffix "-" }}{{ end }}
{{- end }}

{{- define "towpath.commonLabels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/part-of: towpath
{{- end }}

{{/* Call with (list $ "api"). */}}
{{- define "towpath.selector" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: {{ include "towpath.name" $root }}
app.kubernetes.io/instance: {{ $root.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end }}

{{- define "towpath.labels" -}}
{{ include "towpath.selector" . }}
{{ include "towpath.commonLabels" (index . 0) }}
{{- end }}

{{- define "towpath.serviceAccount" -}}
{{- $root := index . 0 }}
{{- $component := index . 1 }}
{{- $values := index $root.Values $component }}
{{- default (printf "%s-%s" (include "towpath.fullname" $root) $component) $values.serviceAccount.name }}
{{- end }}

{{- define "towpath.image" -}}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) }}
{{- end }}

{{- define "towpath.flowImage" -}}
{{- printf "%s:%s" .Values.flowImage.repository (default .Chart.AppVersion .Values.flowImage.tag) }}
{{- end }}

{{- define "towpath.apiUrl" -}}
{{- printf "http://%s-api.%s.svc:%d/api" (include "towpath.fullname" .) .Release.Namespace (int .Values.service.port) }}
{{- end }}

{{- define "towpath.podSecurityContext" -}}
runAsNonRoot: true
runAsUser: {{ .Values.podSecurity.runAsUser }}
runAsGroup: {{ .Values.podSecurity.runAsGroup }}
fsGroup: {{ .Values.podSecurity.fsGroup }}
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "towpath.containerSecurityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop:
  - ALL
{{- end }}

{{/* The parts of a pod that values of one component place: call with that component's values. */}}
{{- define "towpath.placement" -}}
{{- with .nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .tolerations }}
tolerations:
  {{- toYaml . | nindent 0 }}
{{- end }}
{{- with .affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
