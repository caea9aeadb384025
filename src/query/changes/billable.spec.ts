import { type Billed, reasonsAgainst } from './billable.js';
import type { BillableReason } from './contract.js';

const ANSWERED: Billed = {
  settled: true,
  state: 'ended',
  disposition: 'answered',
  endProvenance: 'reported',
  talkMs: 30_000,
  conflict: false,
};

test.each<readonly [string, Partial<Billed>, boolean, readonly BillableReason[]]>([
  ['settled, answered and ended by a Bye', {}, false, []],
  ['answered for no time at all', { talkMs: 0 }, false, []],
  ['not settled yet', { settled: false }, false, ['not_settled']],
  [
    'still talking',
    { settled: false, state: 'answered', disposition: null, endProvenance: null, talkMs: null },
    false,
    ['not_settled'],
  ],
  ['not answered', { disposition: 'not_answered', talkMs: null }, false, ['not_answered']],
  ['unknown whether it was answered', { disposition: 'unknown', talkMs: null }, false, ['disposition_unknown']],
  ['answered, and its Bye is missing', { endProvenance: 'presumed', talkMs: null }, false, ['end_presumed']],
  ['answered, ended, and nobody knows for how long', { talkMs: null }, false, ['talk_unknown']],
  ['of reports that disagree', { conflict: true }, false, ['conflict']],
  ['taken away', {}, true, ['superseded']],
  ['taken away before it settled', { settled: false }, true, ['superseded', 'not_settled']],
])('a call that is %s', (_what, over, superseded, reasons) => {
  expect(reasonsAgainst({ ...ANSWERED, ...over }, superseded)).toEqual(reasons);
});
