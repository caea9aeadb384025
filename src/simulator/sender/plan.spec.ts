import { planCalls, type PlannedCall, type PlanOptions } from './plan.js';

const OPTIONS: PlanOptions = {
  seed: '42',
  calls: 2000,
  rate: 50,
  answerRatio: 0.6,
  ringMsMean: 10_000,
  holdMsMean: 30_000,
  directOk: 0.02,
  failedWithBye: 0,
  failedWithoutBye: 0,
  codes: 'mix',
  serial: 'per_call',
  sources: 2,
  callIdPrefix: 'run',
  restartCallIds: null,
  reuseGuardMs: 40_000,
  menuNames: ['Main menu'],
};

function planWith(options: Partial<PlanOptions>): PlannedCall[] {
  return planCalls({ ...OPTIONS, ...options });
}

function states(call: PlannedCall): string {
  return call.notifications.map(({ state }) => state).join(' ');
}

function shareOf(calls: readonly PlannedCall[], test: (call: PlannedCall) => boolean): number {
  return calls.filter(test).length / calls.length;
}

describe('the plan', () => {
  test('the same seed plans the same calls, another one others', () => {
    expect(planWith({})).toEqual(planWith({}));
    expect(planWith({ seed: '43' })).not.toEqual(planWith({}));
  });

  test('another serial meaning changes serials and nothing else', () => {
    const bare = (calls: PlannedCall[]): unknown =>
      calls.map((call) => ({ ...call, notifications: call.notifications.map((one) => ({ ...one, serial: '' })) }));
    expect(bare(planWith({ serial: 'opaque' }))).toEqual(bare(planWith({ serial: 'per_call' })));
  });

  test('calls come at the rate asked, and ratios are met', () => {
    const calls = planWith({});
    const lastStart = calls.at(-1)?.notifications[0]?.atMs ?? 0;
    expect(lastStart / 1000).toBeGreaterThan(36);
    expect(lastStart / 1000).toBeLessThan(44);
    expect(shareOf(calls, (call) => states(call).includes('ok'))).toBeCloseTo(0.6, 1);
    expect(shareOf(calls, (call) => call.notifications[0]?.state === 'ok')).toBeCloseTo(0.012, 2);
  });

  test('events of a call are in order, and the last of them is its end', () => {
    for (const call of planWith({})) {
      const times = call.notifications.map(({ atMs }) => atMs);
      expect(times).toEqual([...times].sort((a, b) => a - b));
      expect(times.at(-1)).toBe(call.endMs);
    }
  });

  test.each([
    ['180', /^(?:180 )?(?:ok )?bye$/],
    ['183', /^(?:183 )?(?:ok )?bye$/],
    ['word', /^(?:ringing )?(?:ok )?bye$/],
    ['both', /^(?:180 183 )?(?:ok )?bye$/],
  ] as const)('codes %s: every call reads as such', (codes, pattern) => {
    for (const call of planWith({ codes })) expect(states(call)).toMatch(pattern);
  });

  test('failed legs report a Bye alone, or ring and never report a Bye', () => {
    const calls = planWith({ answerRatio: 0, failedWithBye: 0.3, failedWithoutBye: 0.2, codes: '180' });
    expect(shareOf(calls, (call) => states(call) === 'bye')).toBeCloseTo(0.3, 1);
    expect(shareOf(calls, (call) => states(call) === '180')).toBeCloseTo(0.2, 1);
    expect(shareOf(calls, (call) => states(call) === '180 bye')).toBeCloseTo(0.5, 1);
  });

  test('without a restart every call has its own Call ID', () => {
    expect(new Set(planWith({}).map(({ callId }) => callId)).size).toBe(2000);
  });

  test('restarted Call IDs are shared, never by calls that overlap or follow within the guard', () => {
    const calls = planWith({ restartCallIds: 900, rate: 5 });
    const lastEnd = new Map<string, number>();
    expect(new Set(calls.map(({ callId }) => callId)).size).toBeLessThan(2000);
    for (const call of calls) {
      const startMs = call.notifications[0]?.atMs ?? 0;
      expect(startMs).toBeGreaterThan((lastEnd.get(call.callId) ?? -Infinity) + OPTIONS.reuseGuardMs);
      lastEnd.set(call.callId, call.endMs);
    }
  });

  test('so few Call IDs that one would be shared by two running calls are refused', () => {
    expect(() => planWith({ restartCallIds: 10 })).toThrow('10 Call IDs are too few');
  });
});

describe('serials', () => {
  const inOrder = (calls: PlannedCall[], source: number): string[] =>
    calls
      .filter((call) => call.source === source)
      .flatMap(({ notifications }) => notifications)
      .sort((a, b) => a.atMs - b.atMs)
      .map(({ serial }) => serial);

  test('per_call counts from 1 within each call', () => {
    for (const { notifications } of planWith({ serial: 'per_call' })) {
      expect(notifications.map(({ serial }) => serial)).toEqual(notifications.map((_, at) => String(at + 1)));
    }
  });

  test('per_source counts every notification of the source in order of time, without a hole', () => {
    const serials = inOrder(planWith({ serial: 'per_source' }), 1).map(Number);
    const [first = 0] = serials;
    expect(serials).toEqual(serials.map((_, at) => first + at));
  });

  test('constant and call_number are one serial per call; call_number counts calls', () => {
    for (const serial of ['constant', 'call_number'] as const) {
      for (const call of planWith({ serial }))
        expect(new Set(call.notifications.map((one) => one.serial)).size).toBe(1);
    }
    const numbers = [...new Set(inOrder(planWith({ serial: 'call_number' }), 0))].map(Number);
    expect(numbers).toEqual(numbers.map((_, at) => (numbers[0] ?? 0) + at));
  });

  test('opaque serials differ in every notification', () => {
    const serials = [0, 1].flatMap((source) => inOrder(planWith({ serial: 'opaque' }), source));
    expect(new Set(serials).size).toBe(serials.length);
  });
});
