/** What the registry of sources, and an operator who sets one, ask of storage. */
import type { SerialMeaning } from '../notification.js';
import type { AckForm } from '../wire/ack.js';
import type { CodecLock } from '../wire/detect/lock.js';

/** A source as it is stored. */
export interface SourceRow {
  /** Fixed when first seen: the configured name, else the address. It enters the ids of calls. */
  readonly key: string;
  readonly name: string;
  readonly addresses: readonly string[];
  /** Null until three datagrams agreed. */
  readonly lock: CodecLock | null;
  /** It posts over HTTP (the twin) and has one way to write, set when it was first seen; absent: it sends datagrams. */
  readonly twin?: true;
  /** How its acks differ from the mirror of the request; absent: not at all. */
  readonly ackForm?: AckForm;
  /** How often an operator set the codec or had it learned anew: what was learned under an older version is void. */
  readonly codecVersion: number;
}

/** A source as it is first stored. */
export type NewSource = Omit<SourceRow, 'lock' | 'ackForm' | 'codecVersion'>;

export interface SourceStore {
  /** Every source. */
  load(): Promise<readonly SourceRow[]>;
  /**
   * Adds sources, or adds their addresses to those that are stored and gives them their name. Two receivers may do so at once.
   * @param at when they were first seen, ms since the epoch
   */
  save(sources: readonly NewSource[], at: number): Promise<void>;
  /**
   * Keeps a lock unless another one is kept; returns the one that is kept then.
   * @param codecVersion what it was learned under; null is returned when an operator has decided anew since
   * @param at when it was learned, ms since the epoch: recorded with what it changed
   */
  saveLock(key: string, lock: CodecLock, codecVersion: number, at: number): Promise<CodecLock | null>;
  /** Last receipts, ms since the epoch, by source key. */
  saveHeard(heard: ReadonlyMap<string, number>): Promise<void>;
}

/** When a source was changed, ms since the epoch, and by whom: recorded with what it changed. */
export interface Decision {
  readonly at: number;
  readonly by: string;
}

export interface Rewrite {
  /** A regular expression, searched for in the number as received; number-rules.ts says what it may hold. */
  readonly pattern: string;
  /** What takes its place; $1 to $9 are its groups. */
  readonly replacement: string;
}

export interface NumberRules {
  /** Where numbers without an international prefix belong (ISO 3166, `GB`); null: they are not read. */
  readonly country: string | null;
  readonly rewrites: readonly Rewrite[];
}

/** What an operator decides of a source. Each returns false when there is no such source. */
export interface SourceSettingsStore {
  load(): Promise<readonly SourceRow[]>;
  /** Sets what the serials count, from W at this instant on, and keeps learning away from it. */
  pinMeaning(key: string, meaning: SerialMeaning, serialBase: number, decision: Decision): Promise<boolean>;
  /** Sets the codec, as a new version. */
  setLock(key: string, lock: CodecLock, decision: Decision): Promise<boolean>;
  /** Sets how it is answered; null: by the mirror of its request. */
  setAckForm(key: string, form: AckForm | null, decision: Decision): Promise<boolean>;
  /** Forgets codec and meaning, so that both are learned anew. */
  forget(key: string, decision: Decision): Promise<boolean>;
  rename(key: string, name: string, decision: Decision): Promise<boolean>;
  /** Sets how its numbers are read in E.164; null: not at all. What was read by the rules before is void. */
  setNumberRules(key: string, rules: NumberRules | null, decision: Decision): Promise<boolean>;
}
