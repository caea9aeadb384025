/** The HTTP twin wired: a listener of its own beside the UDP sockets, over the same ingest. Loaded where TWIN_PORT is set. */
import type { Clock } from './clock.js';
import type { Config } from './config.js';
import { TwinIntake, type TwinIntakeOptions } from './ingest/twin/intake.js';
import { TwinListener } from './ingest/twin/listener.js';
import type { Log } from './log.js';
import { parseAllowList } from './transport/allow-list.js';

/** What the posts are stored with. */
export type TwinParts = TwinIntakeOptions & { readonly clock: Clock };

/**
 * Makes the listener for the posts of a switch; null where TWIN_PORT is not set. Its `listen` opens the port.
 * @throws Error when TWIN_ALLOWED_SOURCES is wrong
 */
export function twinListener(config: Config, parts: TwinParts, log: Log): TwinListener | null {
  const { twinPort, twinHost, twinPath, twinAllowedSources, twinBodyBytesMax } = config;
  if (twinPort === null) return null;
  const { list, faults } = parseAllowList(twinAllowedSources ?? undefined, 'TWIN_ALLOWED_SOURCES');
  if (faults.length > 0) throw new Error(faults.join('\n'));
  const intake = new TwinIntake(parts);
  return new TwinListener({
    ...{ host: twinHost, port: twinPort, path: twinPath, allowed: list, bodyBytesMax: twinBodyBytesMax },
    clock: parts.clock,
    take: (post) => intake.take(post),
    warn: (sentence) => log.warn(sentence, 'Twin'),
  });
}
