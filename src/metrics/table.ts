/**
 * Every metric, declared once: name, type, meaning, labels and buckets. Registry, contract/metrics.md and the tests are
 * made from this table.
 *
 * Names follow Prometheus: base units (seconds, bytes), `_total` for what only rises, labels whose values are few. No
 * label grows with calls or numbers; `source` takes at most {@link SOURCE_LABELS_MAX} values and `other`.
 */

/** How a metric is read. A histogram's `bounds` are upper ends of buckets, in its unit. */
export type Metric =
  | { readonly type: 'counter' | 'gauge'; readonly help: string; readonly labels: readonly string[] }
  | {
      readonly type: 'histogram';
      readonly help: string;
      readonly labels: readonly string[];
      readonly bounds: readonly number[];
      /** One more bound at each try of the sender: 1 to RETRY x INTERVAL, so that "later than a retry" is exact. */
      readonly atTries?: true;
    };

/** Sources that have a label of their own; the first seen, those configured by name before all. The rest are `other`. */
export const SOURCE_LABELS_MAX = 100;

const counter = (help: string, ...labels: string[]) => ({ type: 'counter', help, labels }) as const;
const gauge = (help: string, ...labels: string[]) => ({ type: 'gauge', help, labels }) as const;
const histogram = (help: string, bounds: readonly number[], ...labels: string[]) =>
  ({ type: 'histogram', help, labels, bounds }) as const;

/** 10 us to 10 ms: a parse takes about 10 us. */
const PARSE_S = [0.000_005, 0.000_01, 0.000_025, 0.000_05, 0.000_1, 0.000_5, 0.001, 0.01];
/** 1 ms to 10 s: a commit takes 1 to 50 ms; the sender tries again after INTERVAL, 3 s unless set otherwise. */
const SPANS_S = [0.001, 0.002_5, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const ACK_S = [0.001, 0.002_5, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2];
const CALLS = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1000];

export const METRICS = {
  ringledger_build_info: gauge('Always 1; the version of Ringledger is in the label.', 'version'),

  // Law 3: received = sum of datagrams + sum of in flight, over all transports.
  ringledger_datagrams_received_total: counter(
    'Datagrams received, whatever became of them. Transport http: posts of a switch that were read; spool: left in it by an earlier process.',
    'transport',
  ),
  ringledger_datagrams_total: counter(
    'Datagrams by what became of them: first, duplicate and conflict are stored and acknowledged; quarantined and ' +
      'refused are not acknowledged, and reason says why. The source is empty where none was looked for.',
    ...['source', 'fate', 'reason'],
  ),
  ringledger_datagrams_in_flight: gauge(
    'Datagrams received whose fate is open: queued for a batch, committing, on the way to quarantine, or spooled.',
    'stage',
  ),
  ringledger_acks_sent_total: counter('Acks handed to the operating system.', 'transport'),
  ringledger_acks_unsent_total: counter('Acks of stored notifications that could not be sent; the next copy gets one.'),

  ringledger_requests_refused_total: counter(
    'Connections and requests to TWIN_PORT refused before a post was read: they are not among the datagrams.',
    'reason',
  ),

  ringledger_receive_wait_seconds: histogram(
    'How long a datagram may have waited in the kernel before it was read: an upper bound.',
    SPANS_S,
  ),
  ringledger_parse_seconds: histogram(
    'Reading the bytes of a datagram: source, charset, codec, fields. One datagram in 16 is timed.',
    PARSE_S,
  ),
  ringledger_commit_seconds: histogram('One batch in PostgreSQL: read, fold, write, commit.', SPANS_S),
  ringledger_commit_calls: histogram('Call IDs of one batch.', CALLS),
  ringledger_ack_seconds: {
    ...histogram('From reading a UDP datagram to handing over its ack.', ACK_S, 'source'),
    atTries: true as const,
  },
  ringledger_acks_late_total: counter(
    'First acks of a notification that took longer than INTERVAL, kernel wait included: the sender had tried again.',
    'source',
  ),
  ringledger_retries_caused_total: counter('Tries that those late acks made the sender send.', 'source'),
  ringledger_retry_interval_seconds: gauge('INTERVAL: an ack slower than this causes a retry.'),
  ringledger_retry_horizon_seconds: gauge('H: RETRY x INTERVAL and the margin; then a sender has given up.'),
  ringledger_loss_budget_seconds: gauge(
    'How long from now until the oldest notification received and not acknowledged is H old; H when there is none. At 0 ' +
      'notifications are being lost.',
  ),

  ringledger_queue_depth: gauge('Notifications that wait for a batch.'),
  ringledger_queue_limit: gauge('How many may wait (INGEST_QUEUE_MAX); more are refused as queue_full.'),
  ringledger_quarantine_rows: gauge('Datagrams kept in quarantine.'),
  ringledger_quarantine_limit: gauge('How many are kept (QUARANTINE_MAX); beyond, the oldest are dropped.'),
  ringledger_quarantine_dropped_total: counter('Quarantined datagrams dropped to make room.'),

  ringledger_kernel_drops_total: counter(
    'Datagrams the kernel dropped because a receive buffer of this port was full (/proc/net/udp); nobody saw them.',
    'port',
  ),
  ringledger_receive_buffer_bytes: gauge('Receive buffer the kernel granted.', 'socket'),

  ringledger_spool_datagrams: gauge('Notifications acknowledged from the spool and not yet in PostgreSQL.'),
  ringledger_spool_bytes: gauge('Bytes of the spool on disk.'),
  ringledger_spool_limit_bytes: gauge('How large it may grow (SPOOL_MAX_BYTES).'),
  ringledger_spool_oldest_age_seconds: gauge('Age of the oldest notification in the spool; 0 when it is empty.'),
  ringledger_circuit_state: gauge('1 for the state the way to PostgreSQL is in, 0 for the others.', 'state'),

  ringledger_gaps: gauge(
    'Gaps declared within the last 24 hours, and open ones of any age, by what became of them.',
    ...['kind', 'certainty', 'status'],
  ),
  ringledger_active_calls: gauge('Calls neither ended nor presumed ended.'),
  ringledger_sources: gauge('Sources ever heard or configured.'),
  ringledger_source_last_heard_timestamp_seconds: gauge('When a source was last heard, Unix time.', 'source'),
  ringledger_ledger_lag_seconds: gauge(
    'How far the receiver furthest behind is from having stored all it received; later calls do not settle.',
  ),

  ringledger_http_refused_total: counter(
    'Requests over HTTP refused at the door: key (one that is not good), guesses (too many of those from an address), rate.',
    'reason',
  ),
  ringledger_database_up: gauge('1 when PostgreSQL answered the query of this scrape (at most 5 s old), else 0.'),
  ringledger_database_connections: gauge('Connections of a pool: idle, or used by a query.', 'pool', 'state'),
  ringledger_database_connections_limit: gauge('How many a pool may open.', 'pool'),
  ringledger_database_waiting: gauge('Queries that wait for a connection of the pool.', 'pool'),
} as const satisfies Readonly<Record<string, Metric>>;

/** The name of a metric. */
export type MetricName = keyof typeof METRICS;
type NamesOf<T extends Metric['type']> = {
  [K in MetricName]: (typeof METRICS)[K]['type'] extends T ? K : never;
}[MetricName];
/** Metrics that are one number for each set of labels. */
export type ValueName = NamesOf<'counter' | 'gauge'>;
/** Metrics that are histograms. */
export type HistogramName = NamesOf<'histogram'>;
