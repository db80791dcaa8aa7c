{{- /* Environment of a container. What the chart itself decides comes first; the rest is `settings` and
`secrets` of the values. */ -}}

{{- define "usher.settings" -}}
{{- $root := .root -}}
- {name: USHER_GRPC_HOST, value: "0.0.0.0"}
- {name: USHER_GRPC_PORT, value: {{ include "usher.grpcPort" . | quote }}}
- {name: USHER_METRICS_PORT, value: {{ include "usher.metricsPort" . | quote }}}
- {name: USHER_DRAIN_SECONDS, value: {{ .component.drainSeconds | quote }}}
- {name: USHER_JWKS_TARGET, value: {{ include "usher.target" (list $root "user") | quote }}}
- {name: USHER_TOKEN_ISSUER, value: {{ $root.Values.publicUrl | quote }}}
{{ include "usher.tls.settings" . }}
{{ include "usher.settings.given" (merge (dict "prefix" "USHER_") .) }}
# One event loop does all the work: more than two heaps for the threads beside it only cost memory. Large blocks are given
# back at once.
- {name: MALLOC_ARENA_MAX, value: "2"}
- {name: MALLOC_MMAP_THRESHOLD_, value: "131072"}
- {name: MALLOC_TRIM_THRESHOLD_, value: "131072"}
# The thread that hands over gRPC's calls also reads their sockets, instead of three that pass each call on.
- {name: GRPC_EXPERIMENTS, value: "-event_engine_listener"}
{{- end }}

{{- /* Those of the values whose names begin with `prefix`. */ -}}
{{- define "usher.settings.given" -}}
{{- $texts := .component.settings | default dict }}
{{- range $name, $text := $texts }}
{{- if hasPrefix $.prefix $name }}
- {name: {{ $name }}, value: {{ tpl (toString $text) $.root | quote }}}
{{- end }}
{{- end }}
{{- range $name, $from := .component.secrets }}
{{- if and (hasPrefix $.prefix $name) (not (get $texts $name)) }}
- {name: {{ $name }}, valueFrom: {secretKeyRef: {name: {{ $from.secret }}, key: {{ $from.key }}, optional: {{ $from.optional | default false }}}}}
{{- end }}
{{- end }}
{{- end }}

{{- /* Keys of Secrets as files: those of the values whose names begin with `prefix`. `volumes`: what the names of volumes
begin with, where several services share a pod. */ -}}
{{- define "usher.files.mounts" -}}
{{- range $name, $file := .component.files }}
{{- if hasPrefix $.prefix $name }}
- {name: {{ $.volumes | default "" }}{{ $name }}, mountPath: {{ $file.folder }}, readOnly: true}
{{- end }}
{{- end }}
{{- end }}

{{- define "usher.files.volumes" -}}
{{- range $name, $file := .component.files }}
{{- if hasPrefix $.prefix $name }}
- name: {{ $.volumes | default "" }}{{ $name }}
  secret: {secretName: {{ $file.secret }}, optional: {{ $file.optional | default false }}, items: [{key: {{ $file.key }}, path: {{ $file.key }}}]}
{{- end }}
{{- end }}
{{- end }}
