/** What `calibrate` has a running server do. */
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { CodecSettings } from '../../wire/codec.js';
import type { Server } from './server.js';

const SET_CODEC = `mutation ($key: ID!, $codec: String!, $charset: String!, $delimiter: String, $quoted: Boolean,
    $lengthBytes: Int, $byteOrder: String, $widths: [Int!]) {
  setSourceCodec(key: $key, codec: $codec, charset: $charset, delimiter: $delimiter, quoted: $quoted,
    lengthBytes: $lengthBytes, byteOrder: $byteOrder, widths: $widths) { key } }`;

/** Sets how a source writes. */
export async function saveCodec(server: Server, key: string, settings: CodecSettings): Promise<void> {
  await server.graphql(SET_CODEC, { key, ...settings }, z.unknown());
}

const SET_ACK = `mutation ($key: ID!, $content: String, $delimiter: String, $terminator: String) {
  setSourceAckForm(key: $key, content: $content, delimiter: $delimiter, terminator: $terminator) { key } }`;

/** Sets how a source is answered; what is null mirrors the request. */
export async function saveAckForm(server: Server, key: string, form: AckFormFields): Promise<void> {
  const { content, delimiter, terminator } = form;
  await server.graphql(SET_ACK, { key, content, delimiter, terminator }, z.unknown());
}

const REPLAY = `mutation ($key: ID!, $after: String) { replayQuarantine(key: $key, after: $after) {
  looked stored duplicate unreadable { reason count } refused oldestAt next } }`;
const replayAnswer = z.object({
  replayQuarantine: z.object({
    ...{ looked: z.number(), stored: z.number(), duplicate: z.number(), refused: z.number() },
    unreadable: z.array(z.object({ reason: z.string(), count: z.number() })),
    oldestAt: z.iso.datetime().nullable(),
    next: z.string().nullable(),
  }),
});

/** What a replay of all of a source's quarantine did. */
export interface ReplaySum {
  readonly stored: number;
  readonly duplicate: number;
  readonly refused: number;
  readonly unreadable: ReadonlyMap<string, number>;
  /** ms since the epoch; null when nothing was stored. */
  readonly oldestAt: number | null;
}

/** Reads all quarantined datagrams of a source again, page by page. */
export async function replayAll(
  server: Server,
  key: string,
  progress: (stored: number) => void = () => undefined,
): Promise<ReplaySum> {
  const unreadable = new Map<string, number>();
  let [stored, duplicate, refused, oldestAt]: [number, number, number, number | null] = [0, 0, 0, null];
  let after: string | null = null;
  do {
    const { replayQuarantine: page }: z.output<typeof replayAnswer> = await server.graphql(
      REPLAY,
      { key, after },
      replayAnswer,
    );
    stored += page.stored;
    duplicate += page.duplicate;
    refused += page.refused;
    for (const { reason, count } of page.unreadable) unreadable.set(reason, (unreadable.get(reason) ?? 0) + count);
    if (page.oldestAt !== null) oldestAt = Math.min(oldestAt ?? Infinity, Date.parse(page.oldestAt));
    after = page.next;
    progress(stored);
  } while (after !== null);
  return { stored, duplicate, refused, unreadable, oldestAt };
}

/** A form of the ack; what is null mirrors the request. */
export interface AckFormFields {
  readonly content: string | null;
  readonly delimiter: string | null;
  readonly terminator: string | null;
}

const trial = z.object({
  ...{ content: z.string().nullable(), delimiter: z.string().nullable(), terminator: z.string().nullable() },
  ...{ answered: z.number(), silent: z.number(), repeated: z.number() },
});
const probe = z.object({
  phase: z.enum(['searching', 'confirming', 'found', 'ended']),
  endsAt: z.iso.datetime(),
  ...{ notifications: z.number(), copies: z.number() },
  found: trial.nullable(),
  trials: z.array(trial),
});
export type AckTrial = z.output<typeof trial>;
export type AckProbe = z.output<typeof probe>;

const PROBE_FIELDS = `{ phase endsAt notifications copies
  found { content delimiter terminator answered silent repeated }
  trials { content delimiter terminator answered silent repeated } }`;
const START = `mutation ($key: ID!, $seconds: Int!) { probeAcks(key: $key, seconds: $seconds) ${PROBE_FIELDS} }`;
const LOOK = `query ($key: ID!) { ackProbe(key: $key) ${PROBE_FIELDS} }`;
const STOP = `mutation ($key: ID!) { stopAckProbe(key: $key) { phase } }`;
const POLL_MS = 500;

/**
 * Probes the acks of a source until a form is found or the time is over.
 * @param seconds how long at most
 * @param progress told each time something changed
 */
export async function probeAcks(
  server: Server,
  key: string,
  seconds: number,
  progress: (probe: AckProbe) => void,
): Promise<AckProbe> {
  const started = z.object({ probeAcks: probe });
  const looked = z.object({ ackProbe: probe.nullable() });
  let { probeAcks: state } = await server.graphql(START, { key, seconds }, started);
  let told = '';
  while (state.phase !== 'found' && state.phase !== 'ended') {
    if (told !== JSON.stringify(state)) progress(state);
    told = JSON.stringify(state);
    await sleep(POLL_MS);
    const { ackProbe } = await server.graphql(LOOK, { key }, looked);
    if (ackProbe === null) throw new Error('The server was restarted: begin again.');
    state = ackProbe;
  }
  return state;
}

/** Ends a probe: acks are what the source is set to again. */
export async function stopProbe(server: Server, key: string): Promise<void> {
  await server.graphql(STOP, { key }, z.unknown());
}
