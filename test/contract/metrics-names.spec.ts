/** Guards against an alarm that never fires, because its metric was renamed. */
import { readFileSync } from 'node:fs';
import { METRICS } from '../../src/metrics/table.js';

test('every metric that the documents and the alarms name is declared', () => {
  const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
  const named = ['docs/metrics.md', 'docs/ringledger.rules.yml', 'README.md'].flatMap((path) => [
    ...read(path).matchAll(/ringledger_[a-z_]+/g),
  ]);
  const base = (name: string): string => name.replace(/_(?:bucket|count|sum)$/, '');
  const unknown = named.map(([name]) => base(name)).filter((name) => !(name in METRICS));
  expect([named.length > 20, unknown]).toEqual([true, []]);
});
