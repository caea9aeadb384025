/**
 * A strict reader of Prometheus' text format 0.0.4 (prometheus.io/docs/instrumenting/exposition_formats): it refuses what
 * `promtool check metrics` refuses, so that the tests need no promtool.
 */
import { METRICS } from '../../src/metrics/table.js';

export interface Family {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  readonly samples: readonly Sample[];
}

export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** `Nan` is how prom-client writes it; Prometheus reads it in any case. */
const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (-?\d+(?:\.\d+)?(?:e[+-]\d+)?|Nan|[+-]Inf)$/;
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)/y;
const UNITS_NOT_BASE = /_(?:ms|milliseconds|us|minutes|hours|days|kb|kilobytes|megabytes|percent)(?:_|$)/;

/** Reads a scrape; throws at the first thing that is not as it must be. */
export function readExposition(text: string): ReadonlyMap<string, Family> {
  if (!text.endsWith('\n')) throw new Error('the last line does not end');
  const families = new Map<string, Family>();
  for (const block of text.trimEnd().split('\n\n')) {
    const family = readFamily(block.split('\n'));
    if (families.has(family.name)) throw new Error(`${family.name} comes twice`);
    families.set(family.name, family);
  }
  return families;
}

/** The value of the sample with these labels, or their sum where several have them; null when none has. */
export function valueOf(
  families: ReadonlyMap<string, Family>,
  name: keyof typeof METRICS,
  labels: Readonly<Record<string, string>> = {},
): number | null {
  const wanted = Object.entries(labels);
  const found = (families.get(name)?.samples ?? []).filter((sample) =>
    wanted.every(([label, value]) => sample.labels[label] === value),
  );
  return found.length === 0 ? null : found.reduce((sum, { value }) => sum + value, 0);
}

function readFamily([help = '', type = '', ...lines]: readonly string[]): Family {
  const [, name = '', words = ''] = /^# HELP (\S+) (.+)$/.exec(help) ?? [];
  const [, typed = '', kind = ''] = /^# TYPE (\S+) (counter|gauge|histogram|summary)$/.exec(type) ?? [];
  if (name === '' || typed !== name) throw new Error(`no HELP and TYPE of one metric: ${help} / ${type}`);
  const samples = lines.map(readSample);
  const own = samples.map(({ name: sample, labels }) => `${sample} ${JSON.stringify(Object.entries(labels).sort())}`);
  if (new Set(own).size !== own.length) throw new Error(`${name} has a sample twice`);
  const suffixes = kind === 'histogram' ? ['_bucket', '_sum', '_count'] : [''];
  const strange = samples.find((sample) => !suffixes.some((suffix) => sample.name === name + suffix));
  if (strange !== undefined) throw new Error(`${strange.name} stands under ${name}`);
  if (name.startsWith('ringledger_')) checkName(name, kind, samples);
  if (kind === 'histogram') checkBuckets(name, samples);
  return { name, type: kind, help: words, samples };
}

function readSample(line: string): Sample {
  const [, name, labels, value] = SAMPLE.exec(line) ?? [];
  if (name === undefined || value === undefined) throw new Error(`not a sample: ${line}`);
  return {
    name,
    labels: labels === undefined ? {} : readLabels(labels),
    value: Number(value.replace('Inf', 'Infinity')),
  };
}

function readLabels(text: string): Record<string, string> {
  const labels: Record<string, string> = {};
  LABEL.lastIndex = 0;
  while (LABEL.lastIndex < text.length) {
    const [, name, value] = LABEL.exec(text) ?? [];
    if (name === undefined || value === undefined || name in labels) throw new Error(`not labels: ${text}`);
    labels[name] = value;
  }
  return labels;
}

/** The conventions: prometheus.io/docs/practices/naming. */
function checkName(name: string, kind: string, samples: readonly Sample[]): void {
  const declared = METRICS[name as keyof typeof METRICS];
  if ((kind === 'counter') !== name.endsWith('_total')) throw new Error(`${name}: _total is for counters, and for all`);
  if (UNITS_NOT_BASE.test(name)) throw new Error(`${name} is not in a base unit`);
  if (/[A-Z]|__/.test(name)) throw new Error(`${name} is not in snake case`);
  const labels = new Set(samples.flatMap((sample) => Object.keys(sample.labels)));
  labels.delete('le');
  const foreign = [...labels].filter((label) => !(declared.labels as readonly string[]).includes(label));
  if (foreign.length > 0) throw new Error(`${name} has labels that are not declared: ${foreign.join(', ')}`);
}

/** Buckets rise, end in +Inf and agree with the count. */
function checkBuckets(name: string, samples: readonly Sample[]): void {
  const seriesOf = ({ labels }: Sample): string =>
    JSON.stringify(Object.entries(labels).filter(([label]) => label !== 'le'));
  for (const series of new Set(samples.map(seriesOf))) {
    const own = samples.filter((sample) => seriesOf(sample) === series);
    const buckets = own.filter((sample) => sample.name === `${name}_bucket`);
    const count = own.find((sample) => sample.name === `${name}_count`)?.value;
    const bounds = buckets.map(({ labels }) => Number((labels['le'] ?? '').replace('+Inf', 'Infinity')));
    const values = buckets.map(({ value }) => value);
    const rises = (ascending: readonly number[]): boolean => ascending.every((n, i) => n >= (ascending[i - 1] ?? n));
    if (bounds.at(-1) !== Infinity || !rises(bounds) || !rises(values) || values.at(-1) !== count) {
      throw new Error(`the buckets of ${name} do not add up`);
    }
  }
}
