{{- /* How services reach engines that operators run: addresses and Secrets are named as those operators name them. */ -}}

{{- define "usher.brought.operators" -}}
{{- $search := has .name (list "search" "analytics") }}
settings:
  USHER_KAFKA_BROKERS: {{ include "usher.operators.brokers" .root }}
  USHER_KAFKA_SECURITY: SASL_SSL
  USHER_KAFKA_MECHANISM: SCRAM-SHA-512
  USHER_KAFKA_USER: {{ include "usher.operators.kafkaUser" .root }}
  USHER_KAFKA_CA_FILE: /etc/usher/kafka-ca/ca.crt
  {{- if $search }}
  USHER_ELASTICSEARCH_CA_CERTS: /etc/usher/elasticsearch-ca/ca.crt
  {{- end }}
secrets:
  USHER_MONGODB_URI: {secret: {{ include "usher.operators.mongodbSecret" .root }}, key: connectionString.standard, brought: true}
  USHER_KAFKA_PASSWORD: {secret: {{ include "usher.operators.kafkaUser" .root }}, key: password, brought: true}
  {{- if $search }}
  # An address with user and password, for the user that the Elasticsearch resource lets in.
  USHER_ELASTICSEARCH_URL: {secret: {{ .root.Values.engines.operators.elasticsearch.userSecret }}, key: url}
  {{- end }}
files:
  kafka-ca: {secret: {{ include "usher.operators.name" (list .root "kafka") }}-cluster-ca-cert, key: ca.crt, folder: /etc/usher/kafka-ca, brought: true}
  {{- if $search }}
  elasticsearch-ca: {secret: {{ include "usher.operators.name" (list .root "elasticsearch") }}-es-http-certs-public, key: ca.crt, folder: /etc/usher/elasticsearch-ca, brought: true}
  {{- end }}
{{- end }}

{{- define "usher.operators.name" -}}
{{ include "usher.fullname" (dict "root" (index . 0) "name" (index . 1)) }}
{{- end }}
{{- define "usher.operators.kafkaUser" -}}
{{ include "usher.operators.name" (list . "kafka") }}-user
{{- end }}
{{- define "usher.operators.mongodbSecret" -}}
{{ include "usher.operators.name" (list . "mongodb") }}-connection
{{- end }}
{{- define "usher.operators.brokers" -}}
{{ include "usher.operators.name" (list . "kafka") }}-kafka-bootstrap.{{ .Release.Namespace }}.svc:9093
{{- end }}

{{- /* The pods of an engine, as its operator labels them. */ -}}
{{- define "usher.operators.pods" -}}
{{- $name := include "usher.operators.name" . }}
{{- if eq (index . 1) "mongodb" }}app: {{ $name }}-svc
{{- else if eq (index . 1) "kafka" }}strimzi.io/cluster: {{ $name }}
{{- else }}elasticsearch.k8s.elastic.co/cluster-name: {{ $name }}
{{- end }}
{{- end }}

{{- define "usher.operators.spread" -}}
topologySpreadConstraints:
  - topologyKey: topology.kubernetes.io/zone
    maxSkew: 1
    whenUnsatisfiable: {{ (index . 0).Values.spread.zones }}
    labelSelector:
      matchLabels: {{ include "usher.operators.pods" . | fromYaml | toJson }}
{{- end }}

{{- /* What Pod Security "restricted" asks for; who they run as is the operator's. */ -}}
{{- define "usher.operators.podSecurity" -}}
securityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}
{{- end }}
{{- define "usher.operators.containerSecurity" -}}
securityContext: {allowPrivilegeEscalation: false, runAsNonRoot: true, capabilities: {drop: [ALL]}, seccompProfile: {type: RuntimeDefault}}
{{- end }}

{{- define "usher.keda.brokers" -}}
{{ if eq .Values.engines.kind "operators" }}{{ include "usher.operators.brokers" . }}{{ else }}{{ tpl .Values.keda.brokers . }}{{ end }}
{{- end }}
