"""The metrics that several services have, by what they do; a service's own stand in its `metrics.py`."""

from telemetry.declarations import DELAYS, SIZES, Declared, counter, gauge, histogram

METHOD = {"method": "full name of the rpc"}
DEPENDENCY = {"dependency": "`smtp`, `argon2` or a payment gateway"}
TOPIC = {"topic": "`usher.<service>.v1`"}
CONSUMER = {"consumer": "`<service>.<what it reads>`"}
TYPE = {"type": "full name of the domain event"}
ON_REFUSAL = "once a call was refused"

SERVICE_INFO = Declared("info", "usher_service_info", "Which service this process is.", {"service": "its name"})
RPC_HANDLED = counter("rpc_server_handled", "Rpcs by outcome.", METHOD | {"code": "gRPC status: `OK`, `NOT_FOUND`, …"})
RPC_SECONDS = histogram("rpc_server_seconds", "How long rpcs took.", METHOD)
RPC_IN_FLIGHT = gauge("rpc_server_in_flight", "Rpcs under way.")
RPC_REFUSALS = counter(
    "rpc_server_refusals",
    "Rpcs refused, by the reason callers get.",
    METHOD | {"reason": "of the refusal: `SOLD_OUT`, …"},
    rare=ON_REFUSAL,
)
HEALTH_CHECK = gauge("health_check", "1 while a health check passes.", {"check": "what is checked"})
WORKER_DEATHS = counter("worker_deaths", "Times that background work ended by itself.", {"worker": "its name"})
LOOP_LAG = histogram(
    "event_loop_lag_seconds", "How late the event loop came to what was due: what every call waited for besides."
)
MEMORY_LIMIT = gauge("memory_limit_bytes", "Memory this process may use: its container's limit, or the machine's.")
STORE_SECONDS = histogram("store_commit_seconds", "How long transactions took, from their begin to the majority.")
STORE_COMMANDS = histogram("store_commit_commands", "Commands in one transaction.", buckets=SIZES)
STORE_OPERATION = {"operation": "`read` (documents by name), `find`, `insert` or `ping`; transactions are commits"}
STORE_OPERATIONS = histogram("store_operation_seconds", "How long MongoDB took to answer.", STORE_OPERATION)
STORE_FAILURES = counter(
    "store_operation_failures",
    "Times that MongoDB did not do what it was asked.",
    STORE_OPERATION,
    rare="once one failed",
)
STORE_RETRIES = counter(
    "store_retries",
    "Work of the store done again.",
    {"kind": "`transient`: MongoDB asked for it; `split`: a batch went on without some"},
    rare="once writers met",
)
STORE_REFUSALS = counter(
    "store_refusals",
    "Commits turned down.",
    {"kind": "`conflict`, `duplicate` or `repeat`"},
    rare="once writers met or a request was repeated",
)
RELAY_PUBLISHED = counter("relay_published", "Domain events the broker acknowledged.", TOPIC)
RELAY_DELAY = histogram(
    "relay_delay_seconds", "From commit to the broker's acknowledgement, of the oldest of a batch.", buckets=DELAYS
)
RELAY_FAILURES = counter(
    "relay_failures", "Batches that could not be published.", TOPIC, rare="once the broker was away"
)
RELAY_REFILLED = counter("relay_refilled", "Domain events published again.", TOPIC, rare="once the broker lost some")
RELAY_LEADS = gauge("relay_leads", "1 while this process holds the relay's lease.", TOPIC)
OUTBOX_AGE = gauge(
    "outbox_oldest_pending_seconds", "Age of the oldest domain event not published; 0 when none waits. Leader only."
)
DOMAIN_EVENTS = counter("domain_events", "Domain events committed.", TYPE)
CONSUMER_EVENTS = counter(
    "consumer_events",
    "Domain events handled.",
    CONSUMER | TYPE | {"outcome": "`applied`, `parked` (tried again later) or `dead` (waits for a redrive)"},
)
CONSUMER_SECONDS = histogram("consumer_seconds", "How long handling one took, all tries together.", CONSUMER)
CONSUMER_DELAY = histogram(
    "consumer_delay_seconds", "From the commit of a domain event to its being applied.", CONSUMER, buckets=DELAYS
)
CONSUMER_LAG = gauge("consumer_lag", "Records not read yet in the partitions of this process.", CONSUMER)
CONSUMER_PARKED = gauge(
    "consumer_parked", "Domain events put aside.", CONSUMER | {"kind": "`waiting` or `dead`: only a redrive helps"}
)
CONSUMER_REBUILDS = counter(
    "consumer_rebuilds", "Clients rebuilt because they failed or were stuck.", CONSUMER, rare="once one was"
)
DEAD_LETTERS = counter(
    "dead_letters",
    "Records sent to the dead letters.",
    CONSUMER | {"kind": "`failed`: its handler could not; `undecodable`"},
    rare="once there was one",
)
CLIENT_HANDLED = counter("rpc_client_handled", "Rpcs to other services by outcome.", METHOD | {"code": "gRPC status"})
CLIENT_SECONDS = histogram("rpc_client_seconds", "How long rpcs to other services took.", METHOD)
CLIENT_IN_FLIGHT = gauge("rpc_client_in_flight", "Rpcs to other services under way.")
CALL_ATTEMPTS = counter(
    "call_attempts",
    "Attempts at calls of a dependency.",
    DEPENDENCY | {"outcome": "`ok`, `failed`, `timed_out`, `refused` (breaker open) or `cancelled`"},
)
CALL_SECONDS = histogram("call_seconds", "How long attempts took.", DEPENDENCY)
BREAKER_STATE = gauge(
    "breaker_state", "1 for the state a breaker is in.", DEPENDENCY | {"state": "`closed`, `half-open` or `open`"}
)
BULKHEAD_IN_USE = gauge("bulkhead_in_use", "Calls inside a bulkhead.", DEPENDENCY)
BULKHEAD_WAITING = gauge("bulkhead_waiting", "Calls queued for a bulkhead.", DEPENDENCY)
BULKHEAD_REFUSED = counter("bulkhead_refused", "Calls a full bulkhead refused.", DEPENDENCY, rare="once one was full")
ELASTIC_SECONDS = histogram(
    "elasticsearch_request_seconds", "How long requests to Elasticsearch took.", {"operation": "`search`, `bulk`, …"}
)
ELASTIC_FAILURES = counter(
    "elasticsearch_request_failures",
    "Requests to Elasticsearch without a good answer.",
    {"operation": "`search`, `bulk`, …"},
    rare="once one failed; `indices.get_alias` and `indices.create` do at the first start",
)
CERTIFICATE_EXPIRY = gauge(
    "certificate_expiry_timestamp_seconds",
    "When a certificate this process uses ends, in seconds since 1970.",
    {"certificate": "what it is for"},
    rare="where it has certificates",
)

RPCS = (RPC_HANDLED, RPC_SECONDS, RPC_IN_FLIGHT, RPC_REFUSALS)
STORE = (STORE_SECONDS, STORE_COMMANDS, STORE_OPERATIONS, STORE_FAILURES, STORE_RETRIES, STORE_REFUSALS)
EVERY_SERVICE = (SERVICE_INFO, *RPCS, HEALTH_CHECK, WORKER_DEATHS, LOOP_LAG, CERTIFICATE_EXPIRY, MEMORY_LIMIT, *STORE)
PUBLISHES = (DOMAIN_EVENTS, RELAY_PUBLISHED, RELAY_DELAY, RELAY_FAILURES, RELAY_REFILLED, RELAY_LEADS, OUTBOX_AGE)
CONSUMES = (
    CONSUMER_EVENTS,
    CONSUMER_SECONDS,
    CONSUMER_DELAY,
    CONSUMER_LAG,
    CONSUMER_PARKED,
    CONSUMER_REBUILDS,
    DEAD_LETTERS,
)
CALLS_SERVICES = (CLIENT_HANDLED, CLIENT_SECONDS, CLIENT_IN_FLIGHT)
CALLS = (CALL_ATTEMPTS, CALL_SECONDS, BREAKER_STATE)
BULKHEADS = (BULKHEAD_IN_USE, BULKHEAD_WAITING, BULKHEAD_REFUSED)
INDEXES = (ELASTIC_SECONDS, ELASTIC_FAILURES)
