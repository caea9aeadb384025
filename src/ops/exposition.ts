/** The metrics as Prometheus reads them: the table of src/metrics over prom-client, read at each scrape. */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { HistogramSample, Readings } from '../metrics/readings.js';
import { type HistogramName, type Metric, type MetricName, METRICS, type ValueName } from '../metrics/table.js';

/** The media type of {@link exposition}'s text. */
export const METRICS_TYPE = Registry.PROMETHEUS_CONTENT_TYPE;

/** Gauges of prom-client that end in _total, which `promtool check metrics` refuses. */
const MISNAMED = ['handles', 'requests', 'resources'].map((what) => `nodejs_active_${what}_total`);

/** A registry of every metric of the table and of the process; it holds no numbers of its own. */
export function registryOf(readings: Readings): Registry {
  const registry = new Registry();
  for (const [name, metric] of Object.entries(METRICS) as [MetricName, Metric][]) {
    if (metric.type === 'histogram') new ReadHistogram(name as HistogramName, metric, readings, registry);
    else readValue(name as ValueName, metric, readings, registry);
  }
  collectDefaultMetrics({ register: registry });
  for (const name of MISNAMED) registry.removeSingleMetric(name);
  return registry;
}

/** A counter or gauge that is filled anew at each scrape: what is not known now is absent, never 0. */
function readValue(name: ValueName, { type, help, labels }: Metric, readings: Readings, registry: Registry): void {
  const shared = { name, help, labelNames: [...labels], registers: [registry] };
  // A metric without labels begins at 0, and again after every reset.
  const clear = (metric: Counter | Gauge): void => {
    metric.reset();
    if (labels.length === 0) metric.remove();
  };
  if (type === 'counter') {
    new Counter({
      ...shared,
      collect() {
        clear(this);
        for (const sample of readings.samplesOf(name)) this.inc({ ...sample.labels }, sample.value);
      },
    });
    return;
  }
  new Gauge({
    ...shared,
    collect() {
      clear(this);
      for (const sample of readings.samplesOf(name)) this.set({ ...sample.labels }, sample.value);
    },
  });
}

type Exposed = Awaited<ReturnType<Histogram['get']>>;

/** A prom-client histogram whose counts are the plain arrays of the receive path. */
class ReadHistogram extends Histogram {
  /** In no registry: says how prom-client describes a histogram. */
  private readonly described: Histogram;

  constructor(
    private readonly metricName: HistogramName,
    { help, labels }: Metric,
    private readonly readings: Readings,
    registry: Registry,
  ) {
    const shared = { name: metricName, help, labelNames: [...labels] };
    super({ ...shared, registers: [registry] });
    this.described = new Histogram({ ...shared, registers: [] });
  }

  override async get(): Promise<Exposed> {
    const values = this.readings.histogramsOf(this.metricName).flatMap((one) => this.values(one));
    return { ...(await this.described.get()), values };
  }

  /** The registry asks for the text's form by this name; ours is the same. */
  getForPromString(): Promise<Exposed> {
    return this.get();
  }

  private values({ labels, histogram }: HistogramSample): Exposed['values'] {
    const counts = histogram.snapshot();
    const bounds: readonly (number | string)[] = [...histogram.bounds, '+Inf'];
    let below = 0;
    const buckets = bounds.map((le, bucket) => {
      below += counts[bucket] ?? 0;
      return { metricName: `${this.metricName}_bucket`, value: below, labels: { ...labels, le } };
    });
    return [
      ...buckets,
      { metricName: `${this.metricName}_sum`, value: histogram.sum(), labels: { ...labels } },
      { metricName: `${this.metricName}_count`, value: below, labels: { ...labels } },
    ];
  }
}
