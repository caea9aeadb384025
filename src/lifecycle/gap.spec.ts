import type { Spoken } from '../delivery/evidence.js';
import type { Gap, WireState } from '../notification.js';
import { closeGap, gapOf, type GapOwner } from './gap.js';
import type { Missing, MissingState } from './missing.js';

const owner: GapOwner = {
  callKey: '6f0f2d1e-5d8c-5c0a-9a57-3d1b1f0f7c21',
  sourceKey: 'ivr',
  callId: 'c1',
  id: 'b7e1a3a0-0000-5000-8000-000000000001',
};
const H = 19_000;

function serialHole(from: bigint, to: bigint): Missing {
  return {
    kind: 'serial',
    certainty: 'certain',
    state: null,
    fromSerial: from,
    toSerial: to,
    span: { from: 0, to: 41_200 },
    openedAt: 41_200,
    estimatedLost: Number(to - from + 1n),
    detail: 'not received',
  };
}

function stateHole(state: MissingState, detail = 'missing'): Missing {
  const hole = serialHole(1n, 1n);
  return { ...hole, kind: 'state', state, certainty: 'possible', fromSerial: null, toSerial: null, detail };
}

function heard(serial: string, state: WireState, at: number): Spoken {
  const content = { callerNumber: null, calleeNumber: null, forwardNumber: null, menuId: null, menuName: null };
  const times = { firstAt: at, lastAt: at, copies: 1, idleMs: 0 };
  return { serial, state, stateRaw: state, content, disputed: false, ...times };
}

function close(missing: Missing, notifications: readonly Spoken[], found: readonly Missing[] = []): Gap {
  const gaps = found.map((one) => gapOf(owner, one, 0, H));
  return closeGap(gapOf(owner, missing, 0, H), { id: owner.id, notifications, gaps }, 99_000);
}

describe('a gap of a call', () => {
  test('is open until W has passed its deadline, and lost from then on', () => {
    const [open, lost] = [60_200, 60_201].map((through) => gapOf(owner, serialHole(2n, 2n), through, H));
    expect(open).toMatchObject({ status: 'open', deadlineAt: 60_200, closedAt: null });
    expect(lost).toMatchObject({ status: 'lost', deadlineAt: 60_200, closedAt: 60_200 });
  });

  test('is named after what is missing, whatever is said of it', () => {
    const names = [stateHole('bye', 'one'), stateHole('bye', 'other'), stateHole('ok')].map(
      (one) => gapOf(owner, one, 0, H).id,
    );
    expect(names[0]).toBe(names[1]);
    expect(names[0]).not.toBe(names[2]);
    expect(gapOf(owner, serialHole(2n, 4n), 0, H).id).toBe(gapOf(owner, serialHole(2n, 2n), 0, H).id);
  });
});

describe('a gap that is no longer found', () => {
  test('was filled by the serial it missed, when that was received', () => {
    expect(close(serialHole(2n, 2n), [heard('1', '180', 0), heard('2', 'ok', 50_000)])).toMatchObject({
      status: 'filled',
      closedAt: 50_000,
      estimatedLost: 0,
      fromSerial: '2',
      toSerial: '2',
    });
  });

  test('was filled as far as the next hole, which is a gap of its own', () => {
    const filled = close(serialHole(2n, 4n), [heard('2', 'ok', 50_000)], [serialHole(3n, 4n)]);
    expect(filled).toMatchObject({ status: 'filled', fromSerial: '2', toSerial: '2' });
  });

  test('was filled by the state it missed, not by another that came later', () => {
    const call = [heard('77', 'ok', 0), heard('77', 'bye', 90_000)];
    expect(close(stateHole('bye'), call)).toMatchObject({ status: 'filled', closedAt: 90_000 });
    expect(close(stateHole('ringing'), call)).toMatchObject({ status: 'explained', closedAt: 99_000 });
  });

  test('is explained when its call is no more', () => {
    const gap = closeGap(gapOf(owner, serialHole(2n, 2n), 0, H), null, 99_000);
    expect(gap).toMatchObject({ status: 'explained', closedAt: 99_000, estimatedLost: 0 });
  });
});
