{{- /* What a purchase needs that is elsewhere in earnest: who takes money, and who takes mail. For development alone. */ -}}

{{- /* The helpers that are switched on, shaped like components. */ -}}
{{- define "usher.development" -}}
{{- $found := dict }}
{{- range $name := list "mail" "sandbox" }}
{{- with get $.Values.development $name }}
{{- if .enabled }}
{{- $_ := set $found $name (dict "resources" .resources "scaling" (dict "min" 1 "max" 1) "priority" "background" "secrets" dict) }}
{{- end }}
{{- end }}
{{- end }}
{{- toJson $found }}
{{- end }}

{{- define "usher.mail.smtpPort" -}}1025{{- end }}
{{- define "usher.mail.httpPort" -}}8025{{- end }}
{{- define "usher.mail.url" -}}
http://{{ include "usher.host" (dict "root" . "name" "mail") }}:{{ include "usher.mail.httpPort" . }}
{{- end }}

{{- define "usher.ports.mail" -}}
- {name: smtp, port: {{ include "usher.mail.smtpPort" . }}, targetPort: smtp}
- {name: http, port: {{ include "usher.mail.httpPort" . }}, targetPort: http, appProtocol: http}
{{- end }}

{{- define "usher.container.mail" -}}
- name: mail
  image: {{ .root.Values.development.mail.image }}
  imagePullPolicy: {{ .root.Values.image.pullPolicy }}
  {{- include "usher.containerSecurity" . | nindent 2 }}
  env:
    - {name: MP_SMTP_BIND_ADDR, value: "0.0.0.0:{{ include "usher.mail.smtpPort" . }}"}
    - {name: MP_UI_BIND_ADDR, value: "0.0.0.0:{{ include "usher.mail.httpPort" . }}"}
    - {name: MP_DATABASE, value: /tmp/mails.db}
    - {name: MP_MAX_MESSAGES, value: "5000"}
    - {name: MP_DISABLE_VERSION_CHECK, value: "true"}
  ports:
    - {name: smtp, containerPort: {{ include "usher.mail.smtpPort" . }}}
    - {name: http, containerPort: {{ include "usher.mail.httpPort" . }}}
  resources:
    {{- toYaml .component.resources | nindent 4 }}
  readinessProbe: {httpGet: {path: /readyz, port: http}, periodSeconds: 5}
  livenessProbe: {httpGet: {path: /livez, port: http}, periodSeconds: 20}
  volumeMounts:
    - {name: scratch, mountPath: /tmp}
{{- end }}

{{- define "usher.volumes.mail" -}}
- {name: scratch, emptyDir: {sizeLimit: 256Mi}}
{{- end }}

{{- define "usher.ports.sandbox" -}}
- {name: http, port: {{ include "usher.grpcPort" . }}, targetPort: http, appProtocol: http}
{{- end }}

{{- define "usher.sandbox.url" -}}
http://{{ include "usher.target" (list . "sandbox") }}
{{- end }}

{{- define "usher.container.sandbox" -}}
- name: sandbox
  image: {{ include "usher.image" (dict "root" .root "image" "sandbox") }}
  imagePullPolicy: {{ .root.Values.image.pullPolicy }}
  args:
    - python
    - -m
    - gateway_sandbox
    - --host=0.0.0.0
    - --port={{ include "usher.grpcPort" . }}
    - --url={{ include "usher.sandbox.url" .root }}
    - --data=/tmp/sandbox
    - --credentials=/etc/usher/sandbox/gateways.json
    - --webhook-url={{ include "usher.gateway.url" .root }}/v1/webhooks/stripe
  {{- include "usher.containerSecurity" . | nindent 2 }}
  ports:
    - {name: http, containerPort: {{ include "usher.grpcPort" . }}}
  resources:
    {{- toYaml .component.resources | nindent 4 }}
  readinessProbe: {httpGet: {path: /_sandbox/health, port: http}, periodSeconds: 5}
  livenessProbe: {httpGet: {path: /_sandbox/health, port: http}, periodSeconds: 20, failureThreshold: 6}
  volumeMounts:
    - {name: scratch, mountPath: /tmp}
    - {name: credentials, mountPath: /etc/usher/sandbox, readOnly: true}
{{- end }}

{{- define "usher.volumes.sandbox" -}}
- {name: scratch, emptyDir: {sizeLimit: 256Mi}}
- name: credentials
  secret: {secretName: {{ include "usher.fullname" . }}}
{{- end }}

{{- /* Where the gateway is reached inside the cluster. */ -}}
{{- define "usher.gateway.url" -}}
{{ ternary "https" "http" (eq (include "usher.gateway.tls" .) "yes") }}://{{ include "usher.host" (dict "root" . "name" "gateway") }}
{{- end }}
