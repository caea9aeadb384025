/** The settings that receivers on one database share, as an operator sets and reads them. */
import type { Log } from './log.js';
import type { Settings } from './notification.js';

const NAMES: Readonly<Record<keyof Settings, string>> = {
  retry: 'IVR_CALL_REPORT_RETRY',
  intervalMs: 'IVR_CALL_REPORT_RETRY_INTERVAL',
  marginMs: 'RETRY_MARGIN_MS',
  staleRingingMs: 'STALE_RINGING_S',
  staleAnsweredMs: 'STALE_ANSWERED_S',
  lossWindowMs: 'LOSS_WINDOW_S',
};

/** Warns of what a start has changed of them. */
export function tellChange(former: Settings | null, settings: Settings, log: Pick<Log, 'warn'>): void {
  const changed = settingsChanged(former, settings);
  if (changed !== null) log.warn(changed, 'Ringledger');
}

/** What a start has changed of them, in a sentence; null where nothing was. Whoever started last decides for all. */
export function settingsChanged(former: Settings | null, settings: Settings): string | null {
  if (former === null) return null;
  const names = (Object.keys(NAMES) as (keyof Settings)[]).filter((name) => former[name] !== settings[name]);
  if (names.length === 0) return null;
  const changes = names.map((name) => `${NAMES[name]} (${String(former[name])} -> ${String(settings[name])})`);
  return (
    `Calls that begin from now on are bounded by other settings than before, of every receiver on this database: ${changes.join(', ')}; ` +
    'times in ms.'
  );
}
