/** The circuit as a table: what happens when, and where batches go after it. */
import { type Circuit, circuitAt, type CircuitEvent, mayDrain, moved, routeOf } from './circuit.js';

type Kind = CircuitEvent['kind'];

/** Plays events `[at, kind]` from a closed circuit and prints every state it moves through, with the time and its waits. */
function play(...events: readonly (readonly [at: number, kind: Kind])[]): readonly string[] {
  let circuit: Circuit = circuitAt(0, true);
  return events.flatMap(([at, kind]) => {
    const before = circuit;
    circuit = moved(before, kind === 'time' ? { kind, at, isShort: true } : { kind, at });
    return circuit === before ? [] : [`${String(at)} ${circuit.state}`];
  });
}

test.each([
  ['a database that answers leaves it closed', [[10, 'time']], []],
  [
    'a failure opens it, an answer begins a trial, a second without failure lets batches back, an empty spool closes it',
    [
      [0, 'failed'],
      [250, 'answered'],
      [1_249, 'time'],
      [1_250, 'time'],
      [1_300, 'drained'],
    ],
    ['0 open', '250 trial', '1250 draining', '1300 closed'],
  ],
  [
    'what fails late changes nothing',
    [
      [0, 'failed'],
      [5, 'failed'],
      [9, 'failed'],
    ],
    ['0 open'],
  ],
  [
    'a failure during the trial opens it again',
    [
      [0, 'failed'],
      [250, 'answered'],
      [300, 'failed'],
    ],
    ['0 open', '250 trial', '300 open'],
  ],
  [
    'a failure while it drains opens it again',
    [
      [0, 'failed'],
      [250, 'answered'],
      [1_250, 'time'],
      [1_300, 'failed'],
    ],
    ['0 open', '250 trial', '1250 draining', '1300 open'],
  ],
  [
    'an empty spool ends no trial',
    [
      [0, 'failed'],
      [250, 'answered'],
      [260, 'drained'],
    ],
    ['0 open', '250 trial'],
  ],
  [
    'a slow write of the drain makes the trial begin anew, and is nothing where live batches tell',
    [
      [0, 'failed'],
      [250, 'answered'],
      [900, 'slow'],
      [1_250, 'time'],
      [1_900, 'time'],
      [1_901, 'slow'],
    ],
    ['0 open', '250 trial', '900 trial', '1900 draining'],
  ],
  [
    'what a slow disk kept after all is drained',
    [
      [0, 'left'],
      [50, 'drained'],
    ],
    ['0 draining', '50 closed'],
  ],
  [
    'an answer that nobody waits for changes nothing',
    [
      [0, 'answered'],
      [1, 'unanswered'],
    ],
    [],
  ],
] as const)('%s', (_title, events, states) => {
  expect(play(...events)).toEqual(states);
});

test('probes that are not answered wait 250 ms, then twice as long each time, up to 5 s', () => {
  let circuit = moved(circuitAt(0, true), { kind: 'failed', at: 0 });
  const waits = [circuit.retryAt];
  for (let probe = 0; probe < 7; probe++) {
    const at = circuit.retryAt;
    circuit = moved(circuit, { kind: 'unanswered', at });
    waits.push(circuit.retryAt - at);
  }
  expect(waits).toEqual([250, 500, 1_000, 2_000, 4_000, 5_000, 5_000, 5_000]);
  expect(circuit.since).toBe(0);
});

/** A database that fails `upMs` after batches go to it again; returns how long each trial lasted. */
function flaps(times: number, upMs: number): readonly number[] {
  let circuit: Circuit = circuitAt(0, true);
  let at = 0;
  return Array.from({ length: times }, () => {
    circuit = moved(circuit, { kind: 'failed', at });
    at = circuit.retryAt;
    circuit = moved(circuit, { kind: 'answered', at });
    const { steadyMs } = circuit;
    at += steadyMs;
    circuit = moved(circuit, { kind: 'time', at, isShort: true });
    expect(circuit.state).toBe('draining');
    at += upMs;
    return steadyMs;
  });
}

test('a database that comes and goes is tried for longer each time, up to 30 s', () => {
  expect(flaps(7, 2_000)).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
});

test('a database that has served for a minute is trusted anew', () => {
  expect(flaps(3, 60_000)).toEqual([1_000, 1_000, 1_000]);
});

test('batches go to the spool exactly while it is open or on trial, and it drains exactly while the database answers', () => {
  const states = (['closed', 'open', 'trial', 'draining'] as const).map((state) => {
    const circuit = { ...circuitAt(0, true), state };
    return `${state} ${routeOf(circuit)} ${mayDrain(circuit) ? 'drains' : 'rests'}`;
  });
  expect(states).toEqual([
    'closed database rests',
    'open spool rests',
    'trial spool drains',
    'draining database drains',
  ]);
});

test('a trial goes on while much is left in the spool, however long it has been steady', () => {
  const trial = moved(moved(circuitAt(0, true), { kind: 'failed', at: 0 }), { kind: 'answered', at: 250 });
  expect(moved(trial, { kind: 'time', at: 90_000, isShort: false })).toBe(trial);
  expect(moved(trial, { kind: 'time', at: 90_001, isShort: true }).state).toBe('draining');
});

test('a start with something left in the spool begins with a trial', () => {
  expect(circuitAt(7, false)).toMatchObject({ state: 'trial', since: 7 });
});
