/** What is asked of a seeded ledger: every filter and sort of /calls alone, and the pairs people ask most. */

export interface Question {
  readonly asked: Readonly<Record<string, unknown>>;
  /** What p95 may be at most, ms. */
  readonly limitMs: number;
}

/** Values that occur in the ledger, so that each question finds something. */
export interface Samples {
  readonly callId: string;
  readonly caller: string;
  readonly callee: string;
  readonly forward: string;
  readonly id: string;
  /** Begin of a day in the middle of the history, and its end. */
  readonly day: { readonly from: string; readonly to: string };
}

const PAGE_MS = 20;
const PART_MS = 300;

/** Every single filter and sort. */
export function singles({ callId, caller, callee, forward, id, day }: Samples): readonly Question[] {
  const page = [
    ...['-firstSeenAt', 'firstSeenAt', '-endedAt', 'endedAt', '-talkMs', 'talkMs'].map((sort) => ({ sort })),
    ...[day, { ...day, by: 'ringingAt' }, { ...day, by: 'answeredAt' }, { ...day, by: 'endedAt' }],
    ...['ringing', 'answered', 'ended'].map((state) => ({ state })),
    ...['answered', 'not_answered', 'unknown'].map((disposition) => ({ disposition })),
    ...['reported', 'proven', 'inferred'].map((dispositionBasis) => ({ dispositionBasis })),
    ...['reported', 'presumed'].map((endProvenance) => ({ endProvenance })),
    ...[{ caller }, { caller: '442071*' }, { caller: '4420*' }, { caller: [caller, callee, '35988123*'] }],
    ...[{ callee }, { callee: '4420*' }, { forward }, { forward: '800*' }],
    ...[{ menuId: '1' }, { menuId: '10' }, { menuId: 'none' }, { source: 'north' }, { source: 'nobody' }],
    ...[{ callId }, { minTalkMs: '60000' }, { minTalkMs: '900000' }, { maxTalkMs: '600' }],
    ...[{ minRingMs: '30000' }, { minRingMs: '55000' }, { maxRingMs: '1005' }],
    ...[{ hasGaps: 'true' }, { hasGaps: 'false' }, { settled: 'true' }, { settled: 'false' }],
    ...[{ minRevision: '2' }, { maxRevision: '1' }],
  ].map((asked): Question => ({ asked, limitMs: PAGE_MS }));
  const part = [{ caller: '*55512*' }, { callee: '*5551*' }, { q: '55512' }, { q: callId.slice(2, 10) }, { q: id }];
  return [...page, ...part.map((asked): Question => ({ asked, limitMs: PART_MS }))];
}

/** The ten pairs asked most. */
export function pairs({ caller, forward, day }: Samples): readonly Question[] {
  return [
    { ...day, by: 'endedAt', sort: '-endedAt', settled: 'true' },
    { ...day, menuId: '3' },
    { ...day, source: 'south' },
    { ...day, disposition: 'not_answered' },
    { ...day, caller: '4420*' },
    { ...day, hasGaps: 'true' },
    { caller, disposition: 'answered' },
    { menuId: '2', disposition: 'answered', minTalkMs: '60000' },
    { forward, sort: '-talkMs' },
    { source: 'west', sort: '-endedAt' },
  ].map((asked): Question => ({ asked, limitMs: PAGE_MS }));
}
