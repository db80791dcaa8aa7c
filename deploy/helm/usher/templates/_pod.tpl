{{- /* The container of a service: probes over gRPC, a stop that loses no call. */ -}}
{{- define "usher.container.service" -}}
{{- $probes := .root.Values.probes -}}
{{ include "usher.container.program" . }}
  ports:
    - {name: grpc, containerPort: {{ include "usher.grpcPort" . }}}
    - {name: metrics, containerPort: {{ include "usher.metricsPort" . }}}
  startupProbe:
    grpc: {port: {{ include "usher.grpcPort" . }}}
    periodSeconds: 2
    timeoutSeconds: 2
    failureThreshold: {{ div (add $probes.startupSeconds 1) 2 }}
  readinessProbe:
    grpc: {port: {{ include "usher.grpcPort" . }}}
    periodSeconds: {{ $probes.readinessPeriodSeconds }}
    timeoutSeconds: 2
    failureThreshold: 2
  # Says whether the process still turns, not whether its database answers: no restart mends that.
  livenessProbe:
    grpc: {port: {{ include "usher.grpcPort" . }}, service: usher.liveness}
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
    {{- range $name, $file := .component.files }}
    - {name: {{ $.volumes | default "" }}{{ $name }}, mountPath: {{ $file.folder }}, readOnly: true}
    {{- end }}
{{- end }}

{{- define "usher.volumes.service" -}}
- {name: scratch, emptyDir: {sizeLimit: 64Mi}}
{{- include "usher.volumes.files" . }}
{{- end }}

{{- /* `volumes`: what the names of volumes begin with, where several services share a pod. */ -}}
{{- define "usher.volumes.files" }}
{{- range $name, $file := .component.files }}
- name: {{ $.volumes | default "" }}{{ $name }}
  secret: {secretName: {{ $file.secret }}, optional: {{ $file.optional | default false }}, items: [{key: {{ $file.key }}, path: {{ $file.key }}}]}
{{- end }}
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
  priorityClassName: {{ printf "%s-%s" .root.Release.Name .component.priority }}
  {{- end }}
  # Longer than sleeping, draining and closing clients together.
  terminationGracePeriodSeconds: {{ add .component.preStopSeconds .component.drainSeconds 10 }}
  topologySpreadConstraints:
    {{- range $key, $otherwise := dict "topology.kubernetes.io/zone" .root.Values.spread.zones "kubernetes.io/hostname" .root.Values.spread.nodes }}
    - topologyKey: {{ $key }}
      maxSkew: 1
      whenUnsatisfiable: {{ $otherwise }}
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
