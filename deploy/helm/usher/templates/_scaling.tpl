{{- /* An HPA on CPU and rpcs under way; with KEDA, for consumers, on the records they have not read yet. */ -}}
{{- define "usher.scaling" }}
{{- $scaling := .component.scaling }}
{{- if gt (int $scaling.min) (int $scaling.max) }}
{{- fail (printf "%s: scaling.min %d is more than scaling.max %d" .name (int $scaling.min) (int $scaling.max)) }}
{{- end }}
{{- if lt (int $scaling.min) (int $scaling.max) }}
{{- if and .root.Values.keda.enabled .component.consumes }}
{{- $security := .component.settings.USHER_KAFKA_SECURITY }}
{{- if ne $security "PLAINTEXT" }}
---
# KEDA asks Kafka with the login of the consumer, which it finds in the consumer's own environment.
apiVersion: keda.sh/v1alpha1
kind: TriggerAuthentication
metadata:
  name: {{ include "usher.fullname" . }}
  labels:
    {{- include "usher.labels" . | nindent 4 }}
spec:
  {{- if hasPrefix "SASL" $security }}
  env: [{parameter: username, name: USHER_KAFKA_USER}, {parameter: password, name: USHER_KAFKA_PASSWORD}]
  {{- end }}
  {{- $files := .component.files | default dict }}
  secretTargetRef:
    {{- range $parameter := list "ca" "cert" "key" }}
    {{- with get $files (printf "kafka-%s" $parameter) }}
    - {parameter: {{ $parameter }}, name: {{ .secret }}, key: {{ .key }}}
    {{- end }}
    {{- end }}
{{- end }}
---
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata:
  name: {{ include "usher.fullname" . }}
  labels:
    {{- include "usher.labels" . | nindent 4 }}
spec:
  scaleTargetRef: {name: {{ include "usher.fullname" . }}}
  minReplicaCount: {{ $scaling.min }}
  # A partition has one reader: more replicas than partitions read nothing.
  maxReplicaCount: {{ min $scaling.max .root.Values.topics.partitions }}
  pollingInterval: 15
  cooldownPeriod: 300
  triggers:
    - type: cpu
      metricType: Utilization
      metadata: {value: {{ $scaling.cpuPercent | quote }}}
    {{- range $group, $topic := .component.consumes }}
    - type: kafka
      metadata:
        bootstrapServers: {{ include "usher.keda.brokers" $.root | quote }}
        consumerGroup: {{ $group }}
        topic: {{ $topic }}
        lagThreshold: {{ $.root.Values.keda.lagPerReplica | quote }}
        offsetResetPolicy: earliest
        {{- if ne $security "PLAINTEXT" }}
        tls: {{ ternary "enable" "disable" (hasSuffix "SSL" $security) }}
        {{- if hasPrefix "SASL" $security }}
        sasl: {{ get (dict "SCRAM-SHA-512" "scram_sha512" "SCRAM-SHA-256" "scram_sha256" "PLAIN" "plaintext") $.component.settings.USHER_KAFKA_MECHANISM }}
        {{- end }}
        {{- end }}
      {{- if ne $security "PLAINTEXT" }}
      authenticationRef: {name: {{ include "usher.fullname" $ }}}
      {{- end }}
    {{- end }}
{{- else }}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: {{ include "usher.fullname" . }}
  labels:
    {{- include "usher.labels" . | nindent 4 }}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: {{ include "usher.fullname" . }}}
  minReplicas: {{ $scaling.min }}
  maxReplicas: {{ $scaling.max }}
  metrics:
    - type: Resource
      resource: {name: cpu, target: {type: Utilization, averageUtilization: {{ $scaling.cpuPercent }}}}
    {{- if and $scaling.inFlight (ne .name "gateway") }}
    - type: Pods
      pods:
        metric: {name: usher_rpc_server_in_flight}
        target: {type: AverageValue, averageValue: {{ $scaling.inFlight | quote }}}
    {{- end }}
  behavior:
    # Up at once, for a sale opens at a minute; down slowly.
    scaleUp:
      stabilizationWindowSeconds: 0
      policies: [{type: Percent, value: 100, periodSeconds: 15}, {type: Pods, value: 2, periodSeconds: 15}]
    scaleDown:
      stabilizationWindowSeconds: 600
      policies: [{type: Pods, value: 1, periodSeconds: 60}]
{{- end }}
{{- end }}
{{- end }}
