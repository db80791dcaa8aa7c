{{- /* What stands for a component: its own values over the defaults of all, and over both what this release brings itself. */ -}}

{{- define "usher.component" -}}
{{- $own := get (merge (deepCopy .root.Values.components) (include "usher.development" .root | fromJson)) .name }}
{{- $brought := include "usher.brought" . | fromJson }}
{{- $component := mergeOverwrite (deepCopy .root.Values.defaults) (deepCopy $own) $brought }}
{{- range $name, $_ := $brought.secrets }}
{{- $_ := unset $component.settings $name }}
{{- end }}
{{- toJson $component }}
{{- end }}

{{- /* Names of all that have a workload: the seven services, the gateway, and what development switches on. */ -}}
{{- define "usher.workloads" -}}
{{ concat (keys .Values.components) (include "usher.development" . | fromJson | keys) | sortAlpha | toJson }}
{{- end }}

{{- define "usher.services" -}}
{{ omit .Values.components "gateway" | keys | sortAlpha | toJson }}
{{- end }}

{{- /* Settings that follow from what is in the release. A secret that is `brought` is made by an operator or by the chart. */ -}}
{{- define "usher.brought" -}}
{{- $own := dict "settings" dict "secrets" dict "files" dict }}
{{- if and (eq .root.Values.engines.kind "operators") (has .name (include "usher.services" .root | fromJsonArray)) }}
{{- $own = mergeOverwrite $own (include "usher.brought.operators" . | fromYaml) }}
{{- end }}
{{- if and (eq .name "payment") .root.Values.development.sandbox.enabled }}
{{- $_ := set $own.files "gateways" (dict "secret" (include "usher.fullname" (dict "root" .root "name" "sandbox")) "brought" true) }}
{{- end }}
{{- if and (eq .name "notification") .root.Values.development.mail.enabled }}
{{- $_ := set $own.settings "USHER_SMTP_HOST" (include "usher.host" (dict "root" .root "name" "mail")) }}
{{- $_ := set $own.settings "USHER_SMTP_PORT" (include "usher.mail.smtpPort" .) }}
{{- end }}
{{- toJson $own }}
{{- end }}
