import type { Settings } from './notification.js';
import { settingsChanged } from './main.settings.js';

const SETTINGS: Settings = {
  ...{ retry: 6, intervalMs: 3000, marginMs: 1000, staleRingingMs: 300_000, staleAnsweredMs: 14_400_000 },
  lossWindowMs: 300_000,
};

test('a first start and one with the same settings change nothing', () => {
  expect([settingsChanged(null, SETTINGS), settingsChanged({ ...SETTINGS }, SETTINGS)]).toEqual([null, null]);
});

test('what another start set is named with both values, as it is called where it is set', () => {
  expect(settingsChanged(SETTINGS, { ...SETTINGS, retry: 3, staleRingingMs: 12_000 })).toMatch(
    /IVR_CALL_REPORT_RETRY \(6 -> 3\), STALE_RINGING_S \(300000 -> 12000\); times in ms/,
  );
});
