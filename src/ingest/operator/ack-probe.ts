/**
 * Finds the ack a source understands, when its copies show that it does not understand the one it gets.
 *
 * The sender repeats a notification until it likes an answer (docs/wire.md), so every copy is a chance to answer in another
 * form, and silence while it still had tries left says that it liked the last one.
 *
 *   searching    a copy gets the form that was tried least and that its notification has not had yet
 *   confirming   some form was followed by silence: the first copies of new notifications get it; should one come again,
 *                its further copies get other forms, as while searching
 *   found        three notifications fell silent after it: every copy gets it until the probe ends
 *   ended        the time is over: acks are again what the source is set to
 *
 * Only what is stored is answered, and never with more bytes than the request. Instants are arguments of the clock; nothing
 * runs by itself, so a probe that nobody asks about ends with the first datagram after its time.
 */
import type { Clock } from '../../clock.js';
import type { Arrival, Settings } from '../../notification.js';
import { type AckForm, encodeAck, withAckForm } from '../../wire/ack.js';
import type { AckMirror } from '../../wire/codec.js';

/** Every form tried, the likelier first; null mirrors the request. What makes the same bytes as one before it is skipped. */
export const PROBED_FORMS: readonly (AckForm | null)[] = [
  null,
  ...(['crlf', 'lf', 'nul', 'none'] as const).map((terminator) => ({ terminator })),
  ...[',', '|', ';', '\t', ' '].map((delimiter) => ({ delimiter })),
  ...(['serial_call_id', 'serial', 'call_id', 'echo'] as const).map((content) => ({ content })),
];

/** How one form did. */
export interface Trial {
  readonly form: AckForm | null;
  /** Acks sent in it. */
  readonly answered: number;
  /** Notifications that fell silent after it though the sender had tries left. */
  readonly silent: number;
  /** Copies that came though it had been sent. */
  readonly repeated: number;
}

export type ProbePhase = 'searching' | 'confirming' | 'found' | 'ended';

export interface ProbeReport {
  readonly phase: ProbePhase;
  readonly startedAt: number;
  readonly endsAt: number;
  /** Notifications and copies seen since it began. */
  readonly notifications: number;
  readonly copies: number;
  /** The form found, or the one being confirmed. */
  readonly found: Trial | null;
  readonly trials: readonly Trial[];
}

/**
 * Silences that confirm, and the share of a form's answers that end in silence: acks are lost on the way back (with 40 %
 * lost the right form keeps a share of 0.6), copies on the way here (with 40 % lost a wrong one seems right in 0.16).
 */
const SILENCES = 3;
const SILENT_SHARE = 0.5;
/** Intervals without a copy that count as silence: one copy may be lost on its way here. */
const QUIET_INTERVALS = 2.5;
/** Notifications watched at once; more are answered as the source is set. */
const WATCHED_MAX = 1_000;
const PROBES_MAX = 16;

type Timing = Pick<Settings, 'retry' | 'intervalMs'>;

interface Tried {
  readonly form: AckForm | null;
  answered: number;
  silent: number;
  repeated: number;
}

interface Watched {
  readonly firstAt: number;
  lastAt: number;
  last: Tried | null;
  readonly had: Set<Tried>;
}

/** The probes of this receiver, at most one a source. */
export class AckProbes {
  private readonly probes = new Map<string, Probe>();

  constructor(
    private readonly clock: Clock,
    private readonly timing: Timing,
  ) {}

  /** Begins a probe, in place of an earlier one of the source; null when too many run. */
  start(sourceKey: string, forMs: number): ProbeReport | null {
    const now = this.clock.now();
    for (const [key, probe] of this.probes) if (probe.report(now).phase === 'ended') this.probes.delete(key);
    if (this.probes.size >= PROBES_MAX && !this.probes.has(sourceKey)) return null;
    const probe = new Probe(now, now + forMs, this.timing);
    this.probes.set(sourceKey, probe);
    return probe.report(now);
  }

  /** Ends a probe now; null when none was begun. */
  stop(sourceKey: string): ProbeReport | null {
    const now = this.clock.now();
    this.probes.get(sourceKey)?.end(now);
    return this.report(sourceKey);
  }

  /** How the last probe of a source does or did; null when none was begun. */
  report(sourceKey: string): ProbeReport | null {
    return this.probes.get(sourceKey)?.report(this.clock.now()) ?? null;
  }

  /** The mirror to answer a stored notification with: the one given, unless its source is being probed. */
  answer(arrival: Arrival, mirror: AckMirror): AckMirror {
    if (this.probes.size === 0) return mirror;
    return this.probes.get(arrival.sourceKey)?.answer(arrival, mirror, this.clock.now()) ?? mirror;
  }
}

/** One probe of one source. */
class Probe {
  private readonly tried: readonly Tried[] = PROBED_FORMS.map((form) => ({
    ...{ form, answered: 0, silent: 0, repeated: 0 },
  }));
  private readonly watched = new Map<string, Watched>();
  private notifications = 0;
  private copies = 0;

  constructor(
    private readonly startedAt: number,
    private endsAt: number,
    private readonly timing: Timing,
  ) {}

  end(now: number): void {
    this.endsAt = Math.min(this.endsAt, now);
  }

  report(now: number): ProbeReport {
    if (now < this.endsAt) this.listen(now);
    const { startedAt, endsAt, notifications, copies } = this;
    const suspect = this.suspect();
    const phase = suspect !== null && isSure(suspect) ? 'found' : suspect === null ? 'searching' : 'confirming';
    const ended = now >= endsAt && phase !== 'found';
    const trials = this.tried.map(trialOf).filter(({ answered }) => answered > 0);
    const found = suspect === null || ended ? null : trialOf(suspect);
    return { phase: ended ? 'ended' : phase, startedAt, endsAt, notifications, copies, found, trials };
  }

  /** Null when the probe has nothing to say of this arrival. */
  answer({ report, payload }: Arrival, mirror: AckMirror, now: number): AckMirror | null {
    if (now >= this.endsAt) return null;
    this.listen(now);
    const identity = JSON.stringify([report.callId, report.serial, report.state]);
    const known = this.watched.get(identity);
    if (known === undefined && this.watched.size >= WATCHED_MAX) return null;
    const own: Watched = known ?? { firstAt: now, lastAt: now, last: null, had: new Set() };
    this.watched.set(identity, own);
    if (known === undefined) this.notifications += 1;
    else this.copies += 1;
    if (own.last !== null) own.last.repeated += 1;
    const { ack: _set, ...bare } = mirror;
    const chosen = this.choose(own, bare, payload);
    own.lastAt = now;
    own.last = chosen?.tried ?? null;
    if (chosen === null) return null;
    chosen.tried.answered += 1;
    own.had.add(chosen.tried);
    return chosen.mirror;
  }

  private choose(
    own: Watched,
    bare: AckMirror,
    request: Uint8Array,
  ): { readonly tried: Tried; readonly mirror: AckMirror } | null {
    const suspect = this.suspect();
    const fitting = this.fitting(bare, request);
    const wanted = fitting.find(({ tried }) => tried === suspect);
    if (wanted !== undefined && suspect !== null && (isSure(suspect) || own.last === null)) return wanted;
    const fresh = fitting.filter(({ tried }) => !own.had.has(tried));
    return fresh.sort((a, b) => a.tried.answered - b.tried.answered)[0] ?? fitting[0] ?? null;
  }

  /** The forms that this request can be answered in, each set of bytes once, none longer than the request. */
  private fitting(bare: AckMirror, request: Uint8Array): { readonly tried: Tried; readonly mirror: AckMirror }[] {
    const seen = new Set<string>();
    return this.tried.flatMap((tried) => {
      const mirror = withAckForm(bare, tried.form, request);
      const isPassedOver = tried.form !== null && mirror.ack === undefined;
      const bytes = Buffer.from(encodeAck(mirror)).toString('latin1');
      if (isPassedOver || seen.has(bytes)) return [];
      seen.add(bytes);
      return [{ tried, mirror }];
    });
  }

  /** Takes note of the notifications that have fallen silent, and forgets them. */
  private listen(now: number): void {
    const { retry, intervalMs } = this.timing;
    for (const [identity, { firstAt, lastAt, last }] of this.watched) {
      if (now - lastAt < QUIET_INTERVALS * intervalMs) continue;
      // After its last try the sender is silent whatever it was answered.
      const hadTriesLeft = lastAt - firstAt < (retry - 0.5) * intervalMs;
      if (last !== null && hadTriesLeft) last.silent += 1;
      this.watched.delete(identity);
    }
  }

  /** The form that most of its answers ended in silence with; null without any silence. */
  private suspect(): Tried | null {
    const silent = this.tried.filter((tried) => tried.silent > 0 && shareOf(tried) >= SILENT_SHARE);
    return silent.sort((a, b) => shareOf(b) - shareOf(a) || b.silent - a.silent)[0] ?? null;
  }
}

function shareOf({ silent, repeated }: Tried): number {
  return silent / Math.max(1, silent + repeated);
}

function isSure(tried: Tried): boolean {
  return tried.silent >= SILENCES;
}

function trialOf({ form, answered, silent, repeated }: Tried): Trial {
  return { form, answered, silent, repeated };
}
