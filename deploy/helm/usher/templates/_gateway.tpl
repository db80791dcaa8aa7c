{{- /* Envoy, over the configuration that the local run uses too (files/envoy.yaml is deploy/envoy/envoy.yaml). */ -}}

{{- /* "yes" where the gateway itself speaks TLS; behind a Gateway of the Gateway API that one does. */ -}}
{{- define "usher.gateway.tls" -}}
{{ ternary "yes" "no" (and .Values.tls.enabled (eq .Values.exposure.kind "loadBalancer")) }}
{{- end }}

{{- define "usher.gateway.configuration" -}}
{{- $gateway := .Values.gateway }}
{{- $values := dict
  "ADMIN_PORT" (include "usher.adminPort" .)
  "LISTEN_ADDRESS" "0.0.0.0"
  "LISTEN_PORT" (include "usher.grpcPort" .)
  "TRUSTED_HOPS" (toString $gateway.trustedHops)
  "ACCESS_LOG" "/dev/stdout"
  "ALLOWED_ORIGINS" $gateway.allowedOrigins
  "SITE_FOLDER" "/srv/gateway/site"
  "DESCRIPTORS" "/srv/gateway/descriptors.binpb"
  "REQUEST_BURST" (toString $gateway.requestBurst)
  "REQUESTS_PER_SECOND" (toString $gateway.requestsPerSecond)
  "ACCOUNT_BURST" (toString $gateway.accountBurst)
  "ACCOUNT_REQUESTS_PER_MINUTE" (toString $gateway.accountRequestsPerMinute)
  "HEAP_BYTES" (include "usher.gateway.heapBytes" .)
  "TOKEN_ISSUER" .Values.publicUrl }}
{{- range $name, $_ := omit .Values.components "gateway" }}
{{- $_ := set $values (printf "%s_HOST" (upper $name)) (include "usher.host" (dict "root" $ "name" $name)) }}
{{- $_ := set $values (printf "%s_PORT" (upper $name)) (include "usher.grpcPort" $) }}
{{- end }}
{{- $text := .Files.Get "files/envoy.yaml" }}
{{- range $name, $value := $values }}
{{- $text = replace (printf "@%s@" $name) $value $text }}
{{- end }}
{{- with regexFind "@[A-Z][A-Z0-9_]*@" $text }}
{{- fail (printf "the gateway's configuration has a placeholder without a value: %s" .) }}
{{- end }}
{{- $document := fromYaml $text }}
{{- with get $document "Error" }}{{ fail (printf "the gateway's configuration is no YAML: %s" .) }}{{ end }}
{{- $resources := $document.static_resources }}
{{- $_ := set $resources "listeners" (append $resources.listeners (include "usher.gateway.metricsListener" . | fromYaml)) }}
{{- $_ := set $resources "clusters" (append $resources.clusters (include "usher.gateway.adminCluster" . | fromYaml)) }}
{{- if .Values.tls.internal.enabled }}
{{- $_ := set $document "node" (dict "id" "gateway" "cluster" .Release.Name) }}
{{- range $cluster := $resources.clusters }}
{{- if and (hasKey $.Values.components $cluster.name) (ne $cluster.name "gateway") }}
{{- $_ := set $cluster "transport_socket" ($.Files.Get "files/upstream-tls.yaml" | fromYaml) }}
{{- end }}
{{- end }}
{{- end }}
{{- if eq (include "usher.gateway.tls" .) "yes" }}
{{- /* A certificate that is read from a file counts as one that is asked for, and who asks has a name. */ -}}
{{- $_ := set $document "node" (dict "id" "gateway" "cluster" .Release.Name) }}
{{- $chain := first (first $resources.listeners).filter_chains }}
{{- $_ := set $chain "transport_socket" (include "usher.gateway.tlsSocket" . | fromYaml) }}
{{- $own := first $resources.clusters }}
{{- $_ := set $own "transport_socket" (include "usher.gateway.ownTlsSocket" . | fromYaml) }}
{{- end }}
{{- with include "usher.gateway.traces" . | fromYaml }}
{{- $manager := first (first (first $resources.listeners).filter_chains).filters }}
{{- $_ := set $manager.typed_config "tracing" .tracing }}
{{- $_ := set $resources "clusters" (append $resources.clusters .cluster) }}
{{- end }}
{{- toPrettyJson $document }}
{{- end }}

{{- /* Of the memory that its container may have; the rest is for threads, stacks and the files it reads. */ -}}
{{- define "usher.gateway.heapBytes" -}}
{{- $memory := (include "usher.component" (dict "root" . "name" "gateway") | fromJson).resources.limits.memory }}
{{- $unit := ternary 1048576 1073741824 (hasSuffix "Mi" $memory) }}
{{- div (mul (trimSuffix "Gi" (trimSuffix "Mi" $memory) | int64) $unit 80) 100 }}
{{- end }}

{{- /* Where services send traces, the gateway does too: what it decides about a trace stands for them all. */ -}}
{{- define "usher.gateway.traces" -}}
{{- with .Values.defaults.settings.USHER_OTLP_ENDPOINT }}
{{- $place := urlParse . }}
{{- $host := splitList ":" $place.host }}
{{- $text := $.Files.Get "files/tracing.yaml" }}
{{- $text = replace "@TRACES_HOST@" (first $host) $text }}
{{- $text = replace "@TRACES_PORT@" (ternary (last $host) "4317" (gt (len $host) 1)) $text }}
{{- replace "@TRACE_PERCENT@" (mulf 100.0 (float64 $.Values.defaults.settings.USHER_TRACE_RATIO) | toString) $text }}
{{- end }}
{{- end }}

{{- /* Envoy's own pages stay on loopback; of them only the metrics are for others. */ -}}
{{- define "usher.gateway.metricsListener" -}}
name: metrics
address: {socket_address: {address: 0.0.0.0, port_value: {{ include "usher.metricsPort" . }}}}
# Where memory runs short is when figures are needed.
bypass_overload_manager: true
filter_chains:
  - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: metrics
          route_config:
            virtual_hosts:
              - name: metrics
                domains: ["*"]
                routes:
                  - match: {path: /metrics}
                    route: {cluster: admin, prefix_rewrite: /stats/prometheus}
          http_filters:
            - name: envoy.filters.http.router
              typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}
{{- end }}

{{- define "usher.gateway.adminCluster" -}}
name: admin
type: STATIC
connect_timeout: 1s
load_assignment:
  cluster_name: admin
  endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: {{ include "usher.adminPort" . }}}}}}]}]
{{- end }}

{{- /* The certificate is read again when it changes, so renewing it needs no restart. */ -}}
{{- define "usher.gateway.tlsSocket" -}}
name: envoy.transport_sockets.tls
typed_config:
  "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext
  common_tls_context:
    alpn_protocols: [h2, http/1.1]
    tls_params: {tls_minimum_protocol_version: TLSv1_2}
    tls_certificate_sds_secret_configs:
      - name: gateway
        sds_config: {path_config_source: {path: /etc/gateway/tls.yaml}}
{{- end }}

{{- define "usher.gateway.ownTlsSocket" -}}
# The way to itself, over loopback; whose certificate it is needs no proof there.
name: envoy.transport_sockets.tls
typed_config:
  "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext
{{- end }}

{{- define "usher.initContainer.gateway" -}}
# Contracts and pages come from the image, and are laid where Envoy reads them.
- name: assemble
  image: {{ include "usher.image" (dict "root" .root "image" "gateway") }}
  imagePullPolicy: {{ .root.Values.image.pullPolicy }}
  args: [python, -m, gateway_config, /srv/gateway]
  {{- include "usher.containerSecurity" . | nindent 2 }}
  resources:
    {{- toYaml .component.resources | nindent 4 }}
  volumeMounts:
    - {name: pages, mountPath: /srv/gateway}
{{- end }}

{{- define "usher.container.gateway" -}}
{{- $probes := .root.Values.probes }}
{{- $scheme := ternary "HTTPS" "HTTP" (eq (include "usher.gateway.tls" .root) "yes") -}}
- name: gateway
  image: {{ include "usher.image" (dict "root" .root "image" "gateway") }}
  imagePullPolicy: {{ .root.Values.image.pullPolicy }}
  args: [envoy, -c, /etc/gateway/envoy.yaml, --disable-hot-restart, --concurrency, {{ .root.Values.gateway.workers | quote }}, --log-level, warning]
  {{- include "usher.containerSecurity" . | nindent 2 }}
  ports:
    - {name: http, containerPort: {{ include "usher.grpcPort" . }}}
    - {name: metrics, containerPort: {{ include "usher.metricsPort" . }}}
  resources:
    {{- toYaml .component.resources | nindent 4 }}
  startupProbe:
    httpGet: {path: /docs, port: http, scheme: {{ $scheme }}}
    periodSeconds: 2
    timeoutSeconds: 2
    failureThreshold: {{ div (add $probes.startupSeconds 1) 2 }}
  readinessProbe:
    httpGet: {path: /docs, port: http, scheme: {{ $scheme }}}
    periodSeconds: {{ $probes.readinessPeriodSeconds }}
    timeoutSeconds: 2
    failureThreshold: 2
  livenessProbe:
    httpGet: {path: /docs, port: http, scheme: {{ $scheme }}}
    periodSeconds: {{ $probes.livenessPeriodSeconds }}
    timeoutSeconds: 5
    failureThreshold: 4
  lifecycle:
    # Envoy ends at once when told to, so callers are sent elsewhere before.
    preStop:
      exec:
        command: [python, -m, gateway_config.drain, {{ include "usher.adminPort" . | quote }}, {{ add .component.preStopSeconds .component.drainSeconds | quote }}]
  volumeMounts:
    - {name: scratch, mountPath: /tmp}
    - {name: pages, mountPath: /srv/gateway, readOnly: true}
    - {name: configuration, mountPath: /etc/gateway, readOnly: true}
    {{- include "usher.tls.mount" . | nindent 4 }}
    {{- if eq $scheme "HTTPS" }}
    - {name: certificate, mountPath: /etc/gateway-tls, readOnly: true}
    {{- end }}
{{- end }}

{{- define "usher.volumes.gateway" -}}
- {name: scratch, emptyDir: {sizeLimit: 64Mi}}
- {name: pages, emptyDir: {sizeLimit: 64Mi}}
- name: configuration
  configMap: {name: {{ include "usher.fullname" . }}}
{{ include "usher.tls.volume" . }}
{{- if eq (include "usher.gateway.tls" .root) "yes" }}
- name: certificate
  secret: {secretName: {{ .root.Values.tls.secret }}}
{{- end }}
{{- end }}
