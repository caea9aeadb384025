import type { CallRecord } from '../../notification.js';
import { contentDigest, recordHash } from './marks.js';

const RECORD: CallRecord = {
  ...{ id: '11111111-1111-5111-8111-111111111111', sourceKey: '192.0.2.1', callId: 'a@ivr', state: 'ended' },
  ...{ disposition: 'answered', dispositionBasis: 'reported', firstSeenAt: 1_000, ringingAt: 1_000 },
  ...{ ringingAtEarliest: 0, ringingCode: '180', answeredAt: 2_000, answeredAtEarliest: 1_500, endedAt: 9_000 },
  ...{ endedAtEarliest: 8_000, presumedEndedAt: null, endProvenance: 'reported', ringMs: 1_000, ringMsMin: 0 },
  ...{ ringMsMax: 2_000, talkMs: 7_000, talkMsMin: 6_000, talkMsMax: 7_500, late: false, conflict: false },
  ...{ notificationCount: 3, duplicateCount: 0, missingCount: 0, settled: false, settleAfter: 28_000, staleAt: null },
  ...{ awaitsFacts: false, callerNumber: '1', calleeNumber: '2', forwardNumber: '3', menuId: '7', menuName: 'Main' },
  lossSample: {
    ...{ copyPairs: 0, copiesMissing: 0, statePairs: 1, statesInverted: 0, statePairBin: 0 },
    ...{ serialsSeen: 0, serialsLost: 0 },
  },
};

/** What only counts writes or waits for time. */
const UNHASHED = ['duplicateCount', 'settled', 'settleAfter', 'staleAt', 'awaitsFacts', 'lossSample'];
const FIELDS = Object.keys(RECORD) as (keyof CallRecord)[];

function changed(field: keyof CallRecord): CallRecord {
  const value = RECORD[field];
  if (typeof value === 'boolean') return { ...RECORD, [field]: !value };
  if (typeof value === 'string') return { ...RECORD, [field]: `${value}x` };
  if (typeof value === 'number') return { ...RECORD, [field]: value + 1 };
  return value === null ? { ...RECORD, [field]: 12_345 } : { ...RECORD, lossSample: { ...value, copyPairs: 1 } };
}

test.each(FIELDS.filter((field) => !UNHASHED.includes(field)))(
  'a change of %s changes the hash of a record',
  (field) => {
    expect(recordHash(changed(field))).not.toBe(recordHash(RECORD));
  },
);

test.each(UNHASHED)('%s leaves the hash as it is', (field) => {
  expect(recordHash(changed(field as keyof CallRecord))).toBe(recordHash(RECORD));
});

test('what is missing differs from every text', () => {
  for (const text of ['', '-', 'null']) {
    const said = { ...RECORD, menuName: text };
    expect(recordHash(said)).not.toBe(recordHash({ ...RECORD, menuName: null }));
  }
});

test('the digest of a content is a signed 64-bit number', () => {
  const digest = BigInt(contentDigest(RECORD));
  expect(digest).toBe(BigInt.asIntN(64, digest));
});
