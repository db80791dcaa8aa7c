{{- define "usher.account" }}
---
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ include "usher.fullname" . }}
  labels:
    {{- include "usher.labels" . | nindent 4 }}
automountServiceAccountToken: false
{{- end }}

{{- define "usher.deployment" }}
{{- $scaling := .component.scaling }}
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "usher.fullname" . }}
  labels:
    {{- include "usher.labels" . | nindent 4 }}
spec:
  {{- if eq $scaling.min $scaling.max }}
  replicas: {{ $scaling.min }}
  {{- end }}
  revisionHistoryLimit: 5
  progressDeadlineSeconds: {{ add .root.Values.probes.startupSeconds 180 }}
  minReadySeconds: 5
  strategy:
    rollingUpdate: {maxUnavailable: 0, maxSurge: 1}
  selector:
    matchLabels:
      {{- include "usher.selector" . | nindent 6 }}
  template:
    {{- include "usher.pod" . | nindent 4 }}
{{- end }}

{{- /* Headless but for a load balancer: a caller of gRPC keeps its connections, so it has to know all replicas itself. */ -}}
{{- define "usher.service" }}
---
apiVersion: v1
kind: Service
metadata:
  name: {{ include "usher.fullname" . }}
  labels:
    {{- include "usher.labels" . | nindent 4 }}
  {{- if eq .name "gateway" }}
  {{- with .root.Values.exposure.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- end }}
spec:
  {{- if ne .name "gateway" }}
  clusterIP: None
  {{- else if eq .root.Values.exposure.kind "loadBalancer" }}
  type: LoadBalancer
  # The caller's address is what rate limits are about.
  externalTrafficPolicy: Local
  {{- end }}
  selector:
    {{- include "usher.selector" . | nindent 4 }}
  ports:
    {{- if eq .name "gateway" }}
    {{- if eq (include "usher.gateway.tls" .root) "yes" }}
    - {name: https, port: 443, targetPort: http, appProtocol: https}
    {{- else }}
    - {name: http, port: 80, targetPort: http, appProtocol: kubernetes.io/h2c}
    {{- end }}
    {{- else if has .name (list "mail" "sandbox") }}
    {{- include (printf "usher.ports.%s" .name) . | nindent 4 }}
    {{- else }}
    - {name: grpc, port: {{ include "usher.grpcPort" . }}, targetPort: grpc, appProtocol: {{ ternary "https" "kubernetes.io/h2c" .root.Values.tls.internal.enabled }}}
    - {name: metrics, port: {{ include "usher.metricsPort" . }}, targetPort: metrics}
    {{- end }}
{{- end }}

{{- define "usher.disruption" }}
{{- if gt (int .component.scaling.min) 1 }}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ include "usher.fullname" . }}
  labels:
    {{- include "usher.labels" . | nindent 4 }}
spec:
  maxUnavailable: {{ .root.Values.disruption.maxUnavailable }}
  # A pod that is not ready protects nothing, so it may always go.
  unhealthyPodEvictionPolicy: AlwaysAllow
  selector:
    matchLabels:
      {{- include "usher.selector" . | nindent 6 }}
{{- end }}
{{- end }}
