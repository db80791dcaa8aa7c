{{- /* The containers of the engines for development. All run as one user without rights, on a root they cannot write to. */ -}}

{{- define "usher.engine.mongodb" -}}
containers:
  - name: mongodb
    image: {{ .engine.image }}
    args: [mongod, --replSet, rs0, --bind_ip_all, --port, {{ .port | quote }}]
    {{- include "usher.containerSecurity" . | nindent 4 }}
    env: [{name: HOME, value: /tmp}]
    ports: [{name: engine, containerPort: {{ .port }}}]
    resources:
      {{- toYaml .engine.resources | nindent 6 }}
    # Makes the replica set when there is none: transactions need one.
    startupProbe:
      exec:
        command:
          - mongosh
          - --quiet
          - --port={{ .port }}
          - --eval
          - 'try { rs.status() } catch (e) { rs.initiate({_id: "rs0", members: [{_id: 0, host: "{{ include "usher.host" . }}:{{ .port }}"}]}) }; if (!db.hello().isWritablePrimary) quit(1)'
      periodSeconds: 5
      timeoutSeconds: 20
      failureThreshold: 30
    readinessProbe: {tcpSocket: {port: engine}, periodSeconds: 10}
    livenessProbe: {tcpSocket: {port: engine}, periodSeconds: 20, failureThreshold: 6}
    volumeMounts: [{name: data, mountPath: /data/db}, {name: scratch, mountPath: /tmp}, {name: scratch, mountPath: /data/configdb, subPath: configdb}]
volumes: [{name: scratch, emptyDir: {}}]
{{- end }}

{{- define "usher.engine.kafka" -}}
containers:
  - name: kafka
    image: {{ .engine.image }}
    {{- include "usher.containerSecurity" . | nindent 4 }}
    env:
      - {name: KAFKA_NODE_ID, value: "1"}
      - {name: KAFKA_PROCESS_ROLES, value: "broker,controller"}
      - {name: KAFKA_LISTENERS, value: "PLAINTEXT://:{{ .port }},CONTROLLER://:9093"}
      - {name: KAFKA_ADVERTISED_LISTENERS, value: "PLAINTEXT://{{ include "usher.host" . }}:{{ .port }}"}
      - {name: KAFKA_LISTENER_SECURITY_PROTOCOL_MAP, value: "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT"}
      - {name: KAFKA_CONTROLLER_LISTENER_NAMES, value: CONTROLLER}
      - {name: KAFKA_CONTROLLER_QUORUM_VOTERS, value: "1@localhost:9093"}
      - {name: KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR, value: "1"}
      - {name: KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR, value: "1"}
      - {name: KAFKA_TRANSACTION_STATE_LOG_MIN_ISR, value: "1"}
      - {name: KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS, value: "0"}
      - {name: KAFKA_LOG_DIRS, value: /var/lib/kafka/data/log}
      - {name: KAFKA_HEAP_OPTS, value: "-Xms256m -Xmx512m"}
    ports: [{name: engine, containerPort: {{ .port }}}]
    resources:
      {{- toYaml .engine.resources | nindent 6 }}
    startupProbe: {tcpSocket: {port: engine}, periodSeconds: 5, failureThreshold: 30}
    readinessProbe: {tcpSocket: {port: engine}, periodSeconds: 10}
    livenessProbe: {tcpSocket: {port: engine}, periodSeconds: 20, failureThreshold: 6}
    volumeMounts:
      - {name: data, mountPath: /var/lib/kafka/data}
      - {name: scratch, mountPath: /opt/kafka/config, subPath: config}
      - {name: scratch, mountPath: /opt/kafka/logs, subPath: logs}
      - {name: scratch, mountPath: /tmp, subPath: tmp}
volumes: [{name: scratch, emptyDir: {}}]
{{- end }}

{{- define "usher.engine.elasticsearch" -}}
initContainers:
  # Its own configuration, laid where it may be written to: a key store is made beside it.
  - name: configuration
    image: {{ .engine.image }}
    command: [cp, -r, /usr/share/elasticsearch/config/., /configuration]
    {{- include "usher.containerSecurity" . | nindent 4 }}
    resources:
      {{- toYaml .engine.resources | nindent 6 }}
    volumeMounts: [{name: scratch, mountPath: /configuration, subPath: config}]
containers:
  - name: elasticsearch
    image: {{ .engine.image }}
    {{- include "usher.containerSecurity" . | nindent 4 }}
    env:
      - {name: discovery.type, value: single-node}
      - {name: http.port, value: {{ .port | quote }}}
      - {name: xpack.security.enabled, value: "false"}
      - {name: xpack.ml.enabled, value: "false"}
      - {name: node.store.allow_mmap, value: "false"}
      - {name: ES_JAVA_OPTS, value: "-Xms512m -Xmx512m"}
    ports: [{name: engine, containerPort: {{ .port }}}]
    resources:
      {{- toYaml .engine.resources | nindent 6 }}
    startupProbe: {httpGet: {path: /_cluster/health, port: engine}, periodSeconds: 5, failureThreshold: 30}
    readinessProbe: {httpGet: {path: /_cluster/health, port: engine}, periodSeconds: 10}
    livenessProbe: {tcpSocket: {port: engine}, periodSeconds: 20, failureThreshold: 6}
    volumeMounts:
      - {name: data, mountPath: /usr/share/elasticsearch/data}
      - {name: scratch, mountPath: /usr/share/elasticsearch/config, subPath: config}
      - {name: scratch, mountPath: /usr/share/elasticsearch/logs, subPath: logs}
      - {name: scratch, mountPath: /tmp, subPath: tmp}
volumes: [{name: scratch, emptyDir: {}}]
{{- end }}
