/** The part of the ledger's contract that the sweep relies on: gaps in time. */
import { EMPTY_BOOK } from '../../src/delivery/book.js';

import type { Gap } from '../../src/notification.js';
import { EPOCH } from '../support/arrivals.js';
import { commit, datagram, gap, H, ledger, life, ONE, OTHER, SOURCE, source } from './ledger-contract.kit.js';

export function gapTests(): void {
  const kept = (...gaps: readonly Gap[]): Promise<boolean> =>
    source().then((own) => ledger().store.saveBook(own, EMPTY_BOOK, EPOCH, gaps));

  test('a hole is lost once W has passed its deadline, at its deadline', async () => {
    await kept(gap('due'), gap('not due', { deadlineAt: EPOCH + 30_000 }), gap('filled', { status: 'filled' }));
    await ledger().store.expireHoles(EPOCH + 20_000);
    expect((await ledger().gaps()).map(([, status]) => status)).toEqual(['open', 'filled', 'open']);
    await ledger().store.expireHoles(EPOCH + 20_001);
    expect(await ledger().gaps()).toEqual([
      ['due', 'lost', 20_000],
      ['filled', 'filled', null],
      ['not due', 'open', null],
    ]);
  });

  test.each([
    ['a certain hole inside', {}, 1],
    ['a certain hole of five inside', { estimatedLost: 5 }, 5],
    ['a hole that is only possible', { certainty: 'possible' }, 0],
    ['a hole of another source', { sourceKey: '192.0.2.9' }, 0],
    ['a hole that was filled', { status: 'filled' }, 0],
    ['a hole sent up to H before it', { from: EPOCH - H - 5_000, to: EPOCH - H + 1 }, 1],
    ['a hole sent before that', { from: EPOCH - H - 5_000, to: EPOCH - H }, 0],
    ['a hole sent after it', { from: EPOCH + 9_000, to: EPOCH + 10_000 }, 0],
  ] as const)('a span of time is due with what is lost inside: %s', async (_what, over, holes) => {
    await kept(gap('a span', { kind: 'outage', to: EPOCH + 9_000 }), gap('hole', over));
    await ledger().store.expireHoles(EPOCH + 20_001);
    const due = await ledger().store.dueSpans(EPOCH + 20_001, H, 10);
    expect(due.map(({ gap: span, holes: lost }) => [span.detail, lost])).toEqual([['a span', holes]]);
  });

  test('a minute of quarantine that has closed stays closed, until more comes of it', async () => {
    const declare = (): Promise<void> =>
      ledger().store.declareQuarantine(EPOCH, (_source, span, count) =>
        gap('minute', { kind: 'quarantine', to: span.to, estimatedLost: count }),
      );
    const told = async (): Promise<unknown> => (await ledger().gaps()).map(([, status]) => status);
    await ledger().store.keep([datagram('x', 1_000)], 10);
    await declare();
    expect(await told()).toEqual(['open']);
    await kept(gap('minute', { kind: 'quarantine', to: EPOCH + 1_000, status: 'explained', closedAt: EPOCH + 20_000 }));
    await declare();
    expect(await told()).toEqual(['explained']);
    await ledger().store.keep([datagram('y', 2_000)], 10);
    await declare();
    expect(await told()).toEqual(['open']);
  });

  test('a span is not due before its deadline, nor while a hole inside may be filled', async () => {
    const due = async (at: number): Promise<number> => (await ledger().store.dueSpans(EPOCH + at, H, 10)).length;
    await kept(gap('a span', { kind: 'overflow', to: EPOCH + 9_000 }), gap('hole', { deadlineAt: EPOCH + 25_000 }));
    expect(await due(20_000)).toBe(0);
    expect(await due(20_001)).toBe(0);
    await ledger().store.expireHoles(EPOCH + 25_001);
    expect(await due(25_001)).toBe(1);
  });

  test('an outage is due with what its source said before it, and when anybody was last heard inside', async () => {
    await commit(...life('a', -40_000, 'ringing', 'ok', 'bye'), ...life('b', 2_000, 'ringing'));
    await kept(gap('a span', { kind: 'outage', to: EPOCH + 9_000 }));
    const [due] = await ledger().store.dueSpans(EPOCH + 20_001, H, 10);
    expect(due).toMatchObject({ heard: { count: 3, ms: 40_000 }, servedUntil: EPOCH + 2_000, p: 0 });
  });

  test('of receivers that started after an outage the first ended it: what it took in was not taken in by one that was killed', async () => {
    await commit(...life('a', 400, 'ringing'), ...life('b', 8_500, 'ringing'));
    for (const [receiver, to] of [
      [ONE, EPOCH + 8_000],
      [OTHER, EPOCH + 9_000],
    ] as const) {
      const outage = { from: EPOCH, to, stoodStill: false };
      await ledger().store.declareOutage(receiver, outage, () => gap('a span', { kind: 'outage', to }));
    }
    const due = await ledger().store.dueSpans(EPOCH + 20_001, H, 10);
    expect(due.map(({ servedUntil }) => servedUntil)).toEqual([EPOCH + 400]);
  });

  test('a closed span follows what shows inside after it: the holes of calls that go on later, and those filled late', async () => {
    const spans = [
      gap('estimated', { kind: 'outage', to: EPOCH + 9_000, status: 'explained', closedAt: EPOCH + 20_000 }),
      gap('quiet', { kind: 'silence', to: EPOCH + 9_000, status: 'explained', closedAt: EPOCH + 20_000 }),
      gap('long ago', { kind: 'outage', to: EPOCH + 9_000, status: 'explained', closedAt: EPOCH + 10_000 }),
      gap('elsewhere', {
        kind: 'outage',
        to: EPOCH - 90_000,
        from: EPOCH - 95_000,
        status: 'lost',
        closedAt: EPOCH + 20_000,
      }),
    ];
    const figures = { expectedLost: 4, estimatedLost: 4 };
    await ledger().store.putGaps(spans.map((span) => (span.kind === 'silence' ? span : { ...span, ...figures })));
    const told = async (): Promise<readonly unknown[]> => {
      await ledger().store.reviseSpans(EPOCH + 15_000, H);
      const names = spans.map(({ detail }) => detail);
      return (await ledger().estimates()).filter(([detail]) => names.includes(detail)).map((one) => one.join(' '));
    };
    const untouched = ['elsewhere explained 4', 'estimated explained 4', 'long ago explained 4', 'quiet explained '];
    expect(await told()).toEqual(untouched);
    const hole = gap('hole', { status: 'lost', estimatedLost: 3 });
    const others = [
      gap('possible', { status: 'lost', certainty: 'possible' }),
      gap('of another', { status: 'lost', sourceKey: '192.0.2.9' }),
    ];
    await kept(hole, ...others);
    const shown = ['elsewhere explained 4', 'estimated lost 1', 'long ago explained 4', 'quiet lost '];
    expect(await told()).toEqual(shown);
    expect(await told()).toEqual(shown);
    await kept({ ...hole, status: 'filled', estimatedLost: 0 });
    expect(await told()).toEqual(untouched);
  });

  test('silences are open until they are broken', async () => {
    const silence = gap('quiet', { kind: 'silence', to: null, deadlineAt: null });
    await ledger().store.putGaps([silence, gap('a quarantine', { kind: 'quarantine', deadlineAt: null })]);
    expect(await ledger().store.openSilences()).toEqual([silence]);
    const told = (from: number, to: number): Promise<boolean> =>
      ledger().store.hasSilence(SOURCE, { from: silence.from + from, to: silence.from + to });
    expect([await told(-2, 0), await told(-1, 1), await told(4_999, 9_000)]).toEqual([false, true, true]);
    await ledger().store.putGaps([{ ...silence, to: EPOCH + 5_000, deadlineAt: EPOCH + 5_000 + H }]);
    expect(await ledger().store.openSilences()).toEqual([]);
    expect([await told(4_999, 9_000), await told(5_000, 9_000)]).toEqual([true, false]);
    expect(await ledger().store.dueSpans(EPOCH + 5_001 + H, H, 10)).toHaveLength(1);
  });
}

/** What was dropped, when sources speak, and what is owed to them. */
