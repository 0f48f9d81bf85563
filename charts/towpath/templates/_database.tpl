{{/* Whether the database is a shared one, which is upgraded before the API starts; a SQLite file the API upgrades itself. */}}
{{- define "towpath.usesSharedDatabase" -}}
{{- if or .Values.api.database.url .Values.api.database.existingSecret }}true{{ end }}
{{- end }}

{{/* Where the database is, as an environment variable; nothing for the SQLite file. */}}
{{- define "towpath.databaseEnv" -}}
{{- if include "towpath.usesSharedDatabase" . -}}
- name: TOWPATH_DATABASE_URL
  valueFrom:
    secretKeyRef:
      name: {{ default (printf "%s-database" (include "towpath.fullname" .)) .Values.api.database.existingSecret }}
      key: url
{{- end }}
{{- end }}

{{/*
Brings a shared database's schema to the revision that this image needs. As an init container and not as a hook, so that it
reads the same Secret as the API, which a hook before the installation could not.
*/}}
{{- define "towpath.databaseUpgrade" -}}
{{- if include "towpath.usesSharedDatabase" . -}}
initContainers:
- name: upgrade-database
  image: {{ include "towpath.image" . }}
  {{- with .Values.image.pullPolicy }}
  imagePullPolicy: {{ . }}
  {{- end }}
  command: [towpath, server, database, upgrade]
  env:
  - name: TOWPATH_HOME
    value: /var/lib/towpath
  {{- include "towpath.databaseEnv" . | nindent 2 }}
  {{- with .Values.api.env }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
  resources:
    {{- toYaml .Values.api.resources | nindent 4 }}
  securityContext:
    {{- include "towpath.containerSecurityContext" . | nindent 4 }}
  volumeMounts:
  - name: data
    mountPath: /var/lib/towpath
  - name: tmp
    mountPath: /tmp
{{- end }}
{{- end }}
