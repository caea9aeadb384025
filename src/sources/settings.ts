/**
 * What an operator decides of a source: what its serials count, how it writes, its name. Bad input is a list of faults,
 * all of them at once; an empty list means that the decision stands and this receiver follows it already.
 */
import type { Clock } from '../clock.js';
import type { SerialMeaning } from '../notification.js';
import { CHARSETS, CODEC_NAMES, type CodecSettings } from '../wire/codec.js';
import { operatorLock } from '../wire/lock.js';
import type { SourceSettingsStore } from './ports.js';

/** One thing wrong with one parameter of a decision. */
export interface SettingFault {
  readonly parameter: string;
  readonly reason: string;
}

export interface SourceSettingsOptions {
  readonly store: SourceSettingsStore;
  readonly clock: Clock;
  /** Makes this receiver follow a decision at once; the others follow at their next pulse. */
  readonly follow: () => Promise<void>;
  /** Names that `UDP_ALLOWED_SOURCES` gives: what is set there is changed there. */
  readonly configuredNames: readonly string[];
}

/** A codec as an operator gives it: not judged yet. */
export interface AskedCodec {
  readonly codec: string;
  readonly delimiter: string | null;
  readonly charset: string;
}

const SERIAL_BASE_MAX = 2_147_483_647;
const DELIMITER_BYTES_MAX = 4;
const NAME_LENGTH_MAX = 64;

const NO_SUCH_SOURCE: readonly SettingFault[] = [{ parameter: 'key', reason: 'is the key of no source' }];

export class SourceSettings {
  constructor(private readonly options: SourceSettingsOptions) {}

  /**
   * Sets what the serials of a source count, and keeps learning away from it (docs/truth.md 8).
   * @param serialBase the serial of a call's first notification, with `per_call` alone; null: 1
   * @throws StoreUnavailable
   */
  setSerialMeaning(key: string, meaning: SerialMeaning, serialBase: number | null): Promise<readonly SettingFault[]> {
    const faults: SettingFault[] = [];
    if (serialBase !== null && meaning !== 'per_call') {
      faults.push({ parameter: 'serialBase', reason: 'goes with per_call alone' });
    } else if (
      serialBase !== null &&
      !(Number.isInteger(serialBase) && serialBase >= 0 && serialBase <= SERIAL_BASE_MAX)
    ) {
      faults.push({ parameter: 'serialBase', reason: `must be a whole number from 0 to ${String(SERIAL_BASE_MAX)}` });
    }
    const { store, clock } = this.options;
    return this.decide(key, faults, () => store.pinMeaning(key, meaning, serialBase ?? 1, clock.now()));
  }

  /**
   * Sets how a source writes; nothing of it is learned any more.
   * @throws StoreUnavailable
   */
  setCodec(key: string, asked: AskedCodec): Promise<readonly SettingFault[]> {
    const settings = codecOf(asked);
    const faults = settings === null ? codecFaults(asked) : delimiterFaults(settings);
    return this.decide(key, faults, () =>
      settings === null ? Promise.resolve(false) : this.options.store.setLock(key, operatorLock(settings)),
    );
  }

  /**
   * Lets codec and serial meaning of a source be learned anew, as if it had never been heard.
   * @throws StoreUnavailable
   */
  relearn(key: string): Promise<readonly SettingFault[]> {
    return this.decide(key, [], () => this.options.store.forget(key, this.options.clock.now()));
  }

  /**
   * Gives a source another name; its key stays.
   * @throws StoreUnavailable
   */
  async rename(key: string, name: string): Promise<readonly SettingFault[]> {
    const { store, configuredNames } = this.options;
    const wanted = name.trim();
    const sources = await store.load();
    const own = sources.find((source) => source.key === key);
    const taken = sources.some((other) => other.key !== key && (other.name === wanted || other.key === wanted));
    const configured = configuredNames.includes(wanted) || (own !== undefined && isConfigured(own, configuredNames));
    const faults = [
      ...(wanted === '' || wanted.length > NAME_LENGTH_MAX || /\p{Cc}/u.test(wanted)
        ? [{ parameter: 'name', reason: `must be 1 to ${String(NAME_LENGTH_MAX)} printable characters` }]
        : []),
      ...(taken ? [{ parameter: 'name', reason: 'is the name or key of another source' }] : []),
      ...(configured ? [{ parameter: 'name', reason: 'is configured in UDP_ALLOWED_SOURCES: change it there' }] : []),
    ];
    return this.decide(key, faults, () => store.rename(key, wanted));
  }

  /** A key is judged beside the rest, so that all faults are told at once. */
  private async decide(
    key: string,
    faults: readonly SettingFault[],
    store: () => Promise<boolean>,
  ): Promise<readonly SettingFault[]> {
    // PostgreSQL keeps no NUL in a text, so no key has one.
    if (key.includes('\0')) return [...NO_SUCH_SOURCE, ...faults];
    if (faults.length > 0) {
      const known = (await this.options.store.load()).some((source) => source.key === key);
      return known ? faults : [...NO_SUCH_SOURCE, ...faults];
    }
    if (!(await store())) return NO_SUCH_SOURCE;
    await this.options.follow();
    return [];
  }
}

function isConfigured(
  { key, name }: { readonly key: string; readonly name: string },
  names: readonly string[],
): boolean {
  return names.includes(name) || names.includes(key);
}

/** Null when codec or charset is none we have. */
function codecOf({ codec, delimiter, charset }: AskedCodec): CodecSettings | null {
  const known = CODEC_NAMES.find((name) => name === codec);
  const read = CHARSETS.find((name) => name === charset);
  if (known === undefined || read === undefined) return null;
  return { codec: known, charset: read, ...(delimiter === null ? {} : { delimiter }) };
}

function codecFaults({ codec, charset }: AskedCodec): readonly SettingFault[] {
  const lists: readonly (readonly [string, string, readonly string[]])[] = [
    ['codec', codec, CODEC_NAMES],
    ['charset', charset, CHARSETS],
  ];
  return lists
    .filter(([, given, all]) => !all.includes(given))
    .map(([parameter, , all]) => ({ parameter, reason: `must be one of ${all.join(', ')}` }));
}

function delimiterFaults({ codec, delimiter }: CodecSettings): readonly SettingFault[] {
  if (delimiter === undefined) return [];
  const fault = (reason: string): readonly SettingFault[] => [{ parameter: 'delimiter', reason }];
  if (codec === 'json') return fault('goes with delimited and key_value alone');
  const bytes = Buffer.byteLength(delimiter);
  if (bytes === 0 || bytes > DELIMITER_BYTES_MAX) return fault(`must be 1 to ${String(DELIMITER_BYTES_MAX)} bytes`);
  // NUL ends a datagram; letters, digits and what numbers and keys are made of would cut values.
  return /[\p{L}\p{N}\0=+*#]/u.test(delimiter) ? fault('must not hold a letter, a digit, NUL, =, +, * or #') : [];
}
