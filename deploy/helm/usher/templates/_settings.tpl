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
{{- include "usher.settings.given" . }}
# One event loop does all the work: more than two heaps for the threads beside it only cost memory. Large blocks are given
# back at once.
- {name: MALLOC_ARENA_MAX, value: "2"}
- {name: MALLOC_MMAP_THRESHOLD_, value: "131072"}
- {name: MALLOC_TRIM_THRESHOLD_, value: "131072"}
{{- end }}

{{- /* Those of the values; `only`: what their names have to begin with. */ -}}
{{- define "usher.settings.given" }}
{{- $only := .only | default "USHER_" }}
{{- $texts := .component.settings | default dict }}
{{- range $name, $text := $texts }}
{{- if hasPrefix $only $name }}
- {name: {{ $name }}, value: {{ tpl (toString $text) $.root | quote }}}
{{- end }}
{{- end }}
{{- range $name, $from := .component.secrets }}
{{- if and (hasPrefix $only $name) (not (get $texts $name)) }}
- {name: {{ $name }}, valueFrom: {secretKeyRef: {name: {{ $from.secret }}, key: {{ $from.key }}, optional: {{ $from.optional | default false }}}}}
{{- end }}
{{- end }}
{{- end }}
