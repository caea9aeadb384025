/** contract/metrics.md: what a scrape may hold, printed from the declarations. */
import { type Metric, METRICS, SOURCE_LABELS_MAX } from '../../src/metrics/table.js';

function row([name, metric]: [string, Metric]): string {
  const { type, help, labels } = metric;
  const bounds =
    metric.type === 'histogram'
      ? ` Buckets: ${metric.bounds.join(', ')}${metric.atTries === true ? ', and each try of the sender' : ''}.`
      : '';
  const shown = labels.map((label) => `\`${label}\``).join(' ');
  return `| \`${name}\` | ${type} | ${shown} | ${help.replaceAll('|', '\\|')}${bounds} |`;
}

/** The file's text. */
export function metricsDocument(): string {
  return `# Metrics of \`GET /metrics\`

Printed from \`src/metrics/table.ts\`. How to read them, and alarms: [docs/metrics.md](../docs/metrics.md). \`source\` is the key of a
source; the first ${String(SOURCE_LABELS_MAX)} have a label of their own, the rest share \`other\`. What is not known now (PostgreSQL is away) is absent,
never 0. Beside these stand prom-client's metrics of the process: \`process_*\`, \`nodejs_*\` (event loop, memory, garbage collection).

| name | type | labels | meaning |
|---|---|---|---|
${Object.entries(METRICS).map(row).join('\n')}
`;
}
