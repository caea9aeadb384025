import { isKnownState, wireState } from './state.js';

describe('Call State', () => {
  test.each([
    ['Ringing', 'ringing'],
    ['RINGING', 'ringing'],
    [' ringing ', 'ringing'],
    ['Ringing (180/183)', 'ringing'],
    ['180/183', 'ringing'],
    ['Ringing(180)', '180'],
    ['Ringing 180', '180'],
    ['180 Ringing', '180'],
    ['180', '180'],
    ['Ringing(183)', '183'],
    ['183 Session Progress', '183'],
    ['OK', 'ok'],
    ['ok.', 'ok'],
    ['"OK"', 'ok'],
    ['200', 'ok'],
    ['200 OK', 'ok'],
    ['OK(200)', 'ok'],
    ['Bye', 'bye'],
    ['BYE', 'bye'],
    ['b-y-e', 'bye'],
    ['-4', '183'],
    ['Progress', '183'],
    ['-5', 'ringing'],
    ['Alerting', 'ringing'],
    ['-6', 'ok'],
    ['Connect', 'ok'],
    ['-9', '183'],
    ['SessionProgress', '183'],
    ['session_progress', '183'],
    ['-10', '183'],
    ['SessionProgress(SDP)', '183'],
    ['-11', 'ringing'],
    ['-11 Ringing', 'ringing'],
    ['-12', 'ok'],
    ['-12 Ok', 'ok'],
    ['-13', 'bye'],
    ['Release', 'bye'],
  ])('%j is %s', (raw, state) => {
    expect(wireState(raw)).toBe(state);
    expect(isKnownState(raw)).toBe(true);
  });

  test.each(['-1', 'Setup', '-2', '-3', 'CallProceeding(RTP)', '-7', 'Invite', '-8', '100 Trying', '-18'])(
    '%j is known and moves no lifecycle: the second leg does not ring yet',
    (raw) => {
      expect(wireState(raw)).toBe(`early:${raw}`);
      expect(isKnownState(raw)).toBe(true);
    },
  );

  test.each(['Hold', '486', '5', '11', '-14', 'OKé', 'Goodbye', '-', '--5', '已接通', 'constructor', '__proto__'])(
    '%j is a state nobody knows, kept with its raw text',
    (raw) => {
      expect(wireState(raw)).toBe(`other:${raw}`);
      expect(isKnownState(raw)).toBe(false);
    },
  );
});
