{{- /* Certificates between the gateway and the services, where tls.internal is on. */ -}}

{{- define "usher.tls.secret" -}}
{{ include "usher.fullname" . }}-internal-tls
{{- end }}

{{- define "usher.tls.folder" -}}/etc/usher/tls{{- end }}
{{- define "usher.healthPort" -}}8081{{- end }}

{{- /* Where the kubelet asks: it has no certificate, so health has a port of its own then. */ -}}
{{- define "usher.probePort" -}}
{{ if .root.Values.tls.internal.enabled }}{{ include "usher.healthPort" . }}{{ else }}{{ include "usher.grpcPort" . }}{{ end }}
{{- end }}

{{- /* Empty values count as absent. */ -}}
{{- define "usher.tls.settings" -}}
{{- $on := .root.Values.tls.internal.enabled -}}
{{- $folder := include "usher.tls.folder" . -}}
- {name: USHER_HEALTH_PORT, value: {{ ternary (include "usher.healthPort" .) "" $on | quote }}}
- {name: USHER_TLS_CERT_FILE, value: {{ ternary (printf "%s/tls.crt" $folder) "" $on | quote }}}
- {name: USHER_TLS_KEY_FILE, value: {{ ternary (printf "%s/tls.key" $folder) "" $on | quote }}}
- {name: USHER_TLS_CA_FILE, value: {{ ternary (printf "%s/ca.crt" $folder) "" $on | quote }}}
- {name: USHER_TLS_PEERS, value: {{ if $on }}{{ include "usher.tls.peers" . | quote }}{{ else }}""{{ end }}}
{{- end }}

{{- /* The names of the components that files/edges.yaml lets call this one. */ -}}
{{- define "usher.tls.peers" -}}
{{- $root := .root }}
{{- $peers := list }}
{{- range $edge := $root.Files.Get "files/edges.yaml" | fromYamlArray }}
{{- if has $.name $edge.to }}
{{- range $from := $edge.from }}
{{- if hasKey $root.Values.components $from }}
{{- $peers = append $peers (include "usher.host" (dict "root" $root "name" $from)) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- if not $peers }}
{{- fail (printf "tls.internal: files/edges.yaml lets no component call %s, and an empty list would let in whoever has a certificate" $.name) }}
{{- end }}
{{- $peers | uniq | sortAlpha | join "," }}
{{- end }}

{{- define "usher.tls.mount" -}}
{{- if .root.Values.tls.internal.enabled }}
- {name: internal-tls, mountPath: {{ include "usher.tls.folder" . }}, readOnly: true}
{{- end }}
{{- end }}

{{- define "usher.tls.volume" -}}
{{- if .root.Values.tls.internal.enabled }}
- name: internal-tls
  secret: {secretName: {{ include "usher.tls.secret" . }}, items: [{key: tls.crt, path: tls.crt}, {key: tls.key, path: tls.key}, {key: ca.crt, path: ca.crt}]}
{{- end }}
{{- end }}
