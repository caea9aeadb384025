/**
 * What an operator decides of a source: what its serials count, how it writes, its name. Bad input is a list of faults,
 * all of them at once; an empty list means that the decision stands and this receiver follows it already.
 */
import type { Clock } from '../clock.js';
import type { SerialMeaning } from '../notification.js';
import { CHARSETS } from '../wire/codec.js';
import { operatorLock } from '../wire/detect/lock.js';
import {
  type AskedAckForm,
  type AskedCodec,
  judgeAckForm,
  judgeCodec,
  type OptionFault as SettingFault,
} from '../wire/settings/shape.js';
import { type AskedNumberRules, judgeNumberRules } from './number-rules.js';
import type { Decision, SourceRow, SourceSettingsStore } from './ports.js';

export type { OptionFault as SettingFault } from '../wire/settings/shape.js';

export interface SourceSettingsOptions {
  readonly store: SourceSettingsStore;
  readonly clock: Clock;
  /** Makes this receiver follow a decision at once; the others follow at their next pulse. */
  readonly follow: () => Promise<void>;
  /** Who decides; `operator` unless given. */
  readonly by?: string;
  /** Names given in `UDP_ALLOWED_SOURCES` and `TWIN_ALLOWED_SOURCES`: what is set there is changed there. */
  readonly configuredNames: readonly string[];
}

const SERIAL_BASE_MAX = 2_147_483_647;
const NAME_LENGTH_MAX = 64;

/** Read after the name of the parameter: `key names no source: ...`. */
export const NO_SUCH_SOURCE: readonly SettingFault[] = [
  { parameter: 'key', reason: 'names no source: /api/v1/sources lists the keys there are' },
];
const CODEC_UNKNOWN: SettingFault = {
  parameter: 'charset',
  reason: 'goes with a codec, and this source has none yet: set both',
};
/** Who decides where no key says which one it was. */
const OPERATOR = 'operator';
const POSTS: readonly SettingFault[] = [
  { parameter: 'key', reason: 'is the key of a source that posts over HTTP, which writes in one way only' },
];

export class SourceSettings {
  constructor(private readonly options: SourceSettingsOptions) {}

  /** The same for somebody else's decisions. */
  as(by: string): SourceSettings {
    return new SourceSettings({ ...this.options, by });
  }

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
    return this.decide(key, faults, (store, now) => store.pinMeaning(key, meaning, serialBase ?? 1, now));
  }

  /**
   * Sets how a source writes; nothing of it is learned any more.
   * @throws StoreUnavailable
   */
  async setCodec(key: string, asked: AskedCodec): Promise<readonly SettingFault[]> {
    const judged = judgeCodec(asked);
    if (!judged.ok) return this.decide(key, [...(await this.postFaults(key)), ...judged.faults], refuse);
    const { value } = judged;
    return this.decide(key, await this.postFaults(key), (store, now) => store.setLock(key, operatorLock(value), now));
  }

  /**
   * Sets the character set alone; codec and options stay as they are known.
   * @throws StoreUnavailable
   */
  async setCharset(key: string, charset: string): Promise<readonly SettingFault[]> {
    const posts = await this.postFaults(key);
    const known = (await this.source(key))?.lock?.settings ?? null;
    const read = CHARSETS.find((name) => name === charset);
    const faults = [
      ...posts,
      ...(read === undefined ? [{ parameter: 'charset', reason: `must be one of ${CHARSETS.join(', ')}` }] : []),
      ...(known === null && posts.length === 0 ? [CODEC_UNKNOWN] : []),
    ];
    if (read === undefined || known === null) return this.decide(key, faults, refuse);
    const lock = operatorLock({ ...known, charset: read });
    return this.decide(key, faults, (store, now) => store.setLock(key, lock, now));
  }

  /**
   * Sets how a source is answered; nothing asked: by the mirror of its request.
   * @throws StoreUnavailable
   */
  async setAckForm(key: string, asked: AskedAckForm): Promise<readonly SettingFault[]> {
    const judged = judgeAckForm(asked);
    const posts = await this.postFaults(key);
    if (!judged.ok) return this.decide(key, [...posts, ...judged.faults], refuse);
    return this.decide(key, posts, (store, now) => store.setAckForm(key, judged.value, now));
  }

  /**
   * Sets how the numbers of a source are read in E.164; nothing asked: not at all.
   * @throws StoreUnavailable
   */
  setNumberRules(key: string, asked: AskedNumberRules): Promise<readonly SettingFault[]> {
    const judged = judgeNumberRules(asked);
    if (!judged.ok) return this.decide(key, judged.faults, refuse);
    return this.decide(key, [], (store, now) => store.setNumberRules(key, judged.value, now));
  }

  /**
   * Lets codec and serial meaning of a source be learned anew, as if it had never been heard.
   * @throws StoreUnavailable
   */
  async relearn(key: string): Promise<readonly SettingFault[]> {
    return this.decide(key, await this.postFaults(key), (store, now) => store.forget(key, now));
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
      ...(configured
        ? [
            {
              parameter: 'name',
              reason: 'is configured in UDP_ALLOWED_SOURCES or TWIN_ALLOWED_SOURCES: change it there',
            },
          ]
        : []),
    ];
    return this.decide(key, faults, (_store, now) => store.rename(key, wanted, now));
  }

  private async postFaults(key: string): Promise<readonly SettingFault[]> {
    return (await this.source(key))?.twin === true ? POSTS : [];
  }

  private async source(key: string): Promise<SourceRow | undefined> {
    return (await this.options.store.load()).find((source) => source.key === key);
  }

  /** A key is judged beside the rest, so that all faults are told at once. */
  private async decide(
    key: string,
    faults: readonly SettingFault[],
    change: (store: SourceSettingsStore, now: Decision) => Promise<boolean>,
  ): Promise<readonly SettingFault[]> {
    // PostgreSQL keeps no NUL in a text, so no key has one.
    if (key.includes('\0')) return [...NO_SUCH_SOURCE, ...faults];
    if (faults.length > 0) return (await this.source(key)) === undefined ? [...NO_SUCH_SOURCE, ...faults] : faults;
    const { store, clock, follow, by = OPERATOR } = this.options;
    if (!(await change(store, { at: clock.now(), by }))) return NO_SUCH_SOURCE;
    await follow();
    return [];
  }
}

/** What is faulty is not stored: `decide` never asks for it. */
function refuse(): Promise<boolean> {
  return Promise.resolve(false);
}

function isConfigured(
  { key, name }: { readonly key: string; readonly name: string },
  names: readonly string[],
): boolean {
  return names.includes(name) || names.includes(key);
}
