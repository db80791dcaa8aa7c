{{- /* Names, labels and addresses. Those that are about one component take a dict: root (the chart's context), name, component. */ -}}

{{- define "usher.fullname" -}}
{{ printf "%s-%s" .root.Release.Name .name | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "usher.selector" -}}
app.kubernetes.io/name: usher
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .name }}
{{- end }}

{{- define "usher.labels" -}}
{{ include "usher.selector" . }}
app.kubernetes.io/part-of: usher
app.kubernetes.io/version: {{ include "usher.tag" .root | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
environment: {{ .root.Values.environment }}
{{- end }}

{{- /* A priority class belongs to the whole cluster, in which staging may stand beside prod. */ -}}
{{- define "usher.priority" -}}
{{- $root := index . 0 -}}
{{ ternary "" (printf "%s-" $root.Release.Namespace) (eq $root.Release.Namespace $root.Release.Name) }}{{ $root.Release.Name }}-{{ index . 1 }}
{{- end }}

{{- define "usher.tag" -}}
{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{- define "usher.image" -}}
{{ printf "%s/usher-%s:%s" .root.Values.image.registry .image (include "usher.tag" .root) }}
{{- end }}

{{- /* DNS name of all pods of a component: its service has no address of its own, so that callers see every replica. */ -}}
{{- define "usher.host" -}}
{{ printf "%s.%s.svc.%s" (include "usher.fullname" .) .root.Release.Namespace .root.Values.network.clusterDomain }}
{{- end }}

{{- define "usher.grpcPort" -}}8080{{- end }}
{{- define "usher.metricsPort" -}}9090{{- end }}
{{- define "usher.adminPort" -}}9901{{- end }}

{{- /* For settings in the values: `include "usher.target" (list . "booking")` is where the booking service answers. */ -}}
{{- define "usher.target" -}}
{{ printf "%s:%s" (include "usher.host" (dict "root" (index . 0) "name" (index . 1))) (include "usher.grpcPort" .) }}
{{- end }}
{{- define "usher.engine" -}}
{{ include "usher.host" (dict "root" (index . 0) "name" (index . 1)) }}
{{- end }}
