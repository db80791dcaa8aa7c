{{- /* The container of a service: probes over gRPC, a stop that loses no call. */ -}}
{{- define "usher.container.service" -}}
{{- $probes := .root.Values.probes -}}
{{ include "usher.container.program" . }}
  ports:
    - {name: grpc, containerPort: {{ include "usher.grpcPort" . }}}
    - {name: metrics, containerPort: {{ include "usher.metricsPort" . }}}
    {{- if .root.Values.tls.internal.enabled }}
    - {name: health, containerPort: {{ include "usher.healthPort" . }}}
    {{- end }}
  startupProbe:
    grpc: {port: {{ include "usher.probePort" . }}}
    periodSeconds: 2
    timeoutSeconds: 2
    failureThreshold: {{ div (add $probes.startupSeconds 1) 2 }}
  readinessProbe:
    grpc: {port: {{ include "usher.probePort" . }}}
    periodSeconds: {{ $probes.readinessPeriodSeconds }}
    timeoutSeconds: 2
    failureThreshold: 2
  # Says whether the process still turns, not whether its database answers: no restart mends that.
  livenessProbe:
    grpc: {port: {{ include "usher.probePort" . }}, service: usher.liveness}
    periodSeconds: {{ $probes.livenessPeriodSeconds }}
    timeoutSeconds: 5
    failureThreshold: 4
  lifecycle:
    # Until nobody is told of this pod any more.
    preStop: {sleep: {seconds: {{ .component.preStopSeconds }}}}
{{- end }}

{{- /* The program of a service with all its settings; `command`: what it is to do instead of serving. */ -}}
{{- define "usher.container.program" -}}
- name: {{ .name }}
  image: {{ include "usher.image" (dict "root" .root "image" .name) }}
  imagePullPolicy: {{ .root.Values.image.pullPolicy }}
  args: [python, -m, {{ .name }}_service{{ with .command }}, {{ . }}{{ end }}]
  {{- include "usher.containerSecurity" . | nindent 2 }}
  env:
    {{- include "usher.settings" . | nindent 4 }}
  resources:
    {{- toYaml .component.resources | nindent 4 }}
  volumeMounts:
    - {name: scratch, mountPath: /tmp}
    {{- if not .command }}
    {{- include "usher.tls.mount" . | nindent 4 }}
    {{- end }}
    {{- include "usher.files.mounts" (merge (dict "prefix" "") .) | nindent 4 }}
{{- end }}

{{- define "usher.volumes.service" -}}
- {name: scratch, emptyDir: {sizeLimit: 64Mi}}
{{ include "usher.tls.volume" . }}
{{ include "usher.files.volumes" (merge (dict "prefix" "") .) }}
{{- end }}

{{- define "usher.pod" -}}
metadata:
  labels:
    {{- include "usher.labels" . | nindent 4 }}
  {{- if eq .name "gateway" }}
  annotations:
    checksum/configuration: {{ include "usher.gateway.configuration" .root | sha256sum }}
  {{- end }}
spec:
  serviceAccountName: {{ include "usher.fullname" . }}
  {{- include "usher.podSecurity" . | nindent 2 }}
  {{- with .root.Values.image.pullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- if .root.Values.priorityClasses.create }}
  priorityClassName: {{ include "usher.priority" (list .root .component.priority) }}
  {{- end }}
  # Longer than sleeping, draining and closing clients together.
  terminationGracePeriodSeconds: {{ add .component.preStopSeconds .component.drainSeconds 10 }}
  topologySpreadConstraints:
    {{- range $key, $otherwise := dict "topology.kubernetes.io/zone" .root.Values.spread.zones "kubernetes.io/hostname" .root.Values.spread.nodes }}
    - topologyKey: {{ $key }}
      maxSkew: 1
      whenUnsatisfiable: {{ $otherwise }}
      # A zone that is being emptied is none to spread over: its pods find room in the others.
      nodeTaintsPolicy: Honor
      matchLabelKeys: [pod-template-hash]
      labelSelector:
        matchLabels:
          {{- include "usher.selector" $ | nindent 10 }}
    {{- end }}
  {{- if eq .name "gateway" }}
  initContainers:
    {{- include "usher.initContainer.gateway" . | nindent 4 }}
  {{- end }}
  {{- $kind := ternary .name "service" (has .name (list "gateway" "mail" "sandbox")) }}
  containers:
    {{- include (printf "usher.container.%s" $kind) . | nindent 4 }}
  volumes:
    {{- include (printf "usher.volumes.%s" $kind) . | nindent 4 }}
{{- end }}
