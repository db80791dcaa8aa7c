{{- /* What the schema of the values cannot say: which of them do not go together. One line each, before anything is rendered. */ -}}
{{- define "usher.check" }}
{{- $values := .Values }}
{{- if ne $values.environment "dev" }}
{{- if eq $values.engines.kind "singleNode" }}
{{- fail "engines.kind singleNode is for environment dev alone: in staging and prod they are elsewhere (none) or run by operators" }}
{{- end }}
{{- range $name, $each := $values.development }}
{{- if $each.enabled }}
{{- fail (printf "development.%s is for environment dev alone" $name) }}
{{- end }}
{{- end }}
{{- end }}
{{- if and $values.tls.enabled (hasPrefix "http://" $values.publicUrl) }}
{{- fail (printf "tls.enabled, but publicUrl is %s: callers would be sent to http" $values.publicUrl) }}
{{- end }}
{{- if and $values.tls.enabled $values.tls.certManager.enabled (not $values.tls.certManager.issuer) }}
{{- fail (printf "tls.certManager.issuer is empty: name who signs the certificate, or turn tls.certManager.enabled off and make the Secret %s yourself" $values.tls.secret) }}
{{- end }}
{{- if and $values.externalSecrets.enabled (not $values.externalSecrets.store) }}
{{- fail "externalSecrets.store is empty: name the store that Secrets are filled from, or turn externalSecrets.enabled off and make them yourself" }}
{{- end }}
{{- if and $values.development.seed.enabled (not $values.development.mail.enabled) }}
{{- fail "development.seed needs development.mail: whoever owns the events has to read a mail first" }}
{{- end }}
{{- if and (eq $values.engines.kind "operators") (gt (int $values.topics.copies) (int $values.engines.operators.kafka.replicas)) }}
{{- fail (printf "topics.copies %d is more than engines.operators.kafka.replicas %d" (int $values.topics.copies) (int $values.engines.operators.kafka.replicas)) }}
{{- end }}
{{- end }}
