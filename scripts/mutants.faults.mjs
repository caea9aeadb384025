/** The deliberate faults of `npm run mutants`; test/tidy.spec.ts holds that their texts are still there. */
const GOLDEN = 'test/golden';
const EVIDENCE = 'test/property/evidence';
const LAW_2 = 'test/property/law2';
const TRUTH = 'test/property/truth';
const COMMIT = 'test/property/commit';
const BOOK = 'test/property/book';

/** Each a text that stands once in a file, what it is replaced by, and the tests that must fail then. */
export const MUTANTS = [
  {
    title: 'copies are not recognised as copies',
    file: 'src/delivery/evidence.ts',
    find: 'stored.filter((row) => sameIdentity(row, report) &&',
    replace: 'stored.filter((row) => row.firstAt < 0 && sameIdentity(row, report) &&',
    tests: [EVIDENCE],
  },
  {
    title: 'the first receipt of a notification is the one processed first',
    file: 'src/delivery/evidence.ts',
    find: 'const first = byFirst(a, b) <= 0 ? a : b;',
    replace: 'const first = a;',
    tests: [LAW_2],
  },
  {
    title: 'acked before the commit',
    file: 'src/ingest/commit/group-commit.ts',
    find: 'const outcomes = await commitBatch(batch, this.options);',
    replace:
      "for (const pending of batch) settle(pending, { stored: true, outcome: 'first' });\n      const outcomes = await commitBatch(batch, this.options);",
    tests: [COMMIT],
  },
  {
    title: 'a duplicate is not acked again',
    file: 'src/ingest/commit/group-commit.ts',
    find: 'settle(pending, { stored: true, outcome });',
    replace:
      "settle(pending, outcome === 'duplicate' ? { stored: false, reason: 'rejected' } : { stored: true, outcome });",
    tests: [COMMIT],
  },
  {
    title: 'the margin is forgotten in H',
    file: 'src/notification.ts',
    find: 'return settings.retry * settings.intervalMs + settings.marginMs;',
    replace: 'return settings.retry * settings.intervalMs;',
    tests: [GOLDEN],
  },
  {
    title: 'H is half of what it is',
    file: 'src/notification.ts',
    find: 'return settings.retry * settings.intervalMs + settings.marginMs;',
    replace: 'return (settings.retry * settings.intervalMs) / 2 + settings.marginMs;',
    tests: [TRUTH],
  },
  {
    title: 'minimum and maximum of a span are swapped',
    file: 'src/lifecycle/times.ts',
    find: 'min: Math.max(0, (to.earliest ?? Number.NEGATIVE_INFINITY) - from.latest),\n    max: from.earliest === null ? null : to.latest - from.earliest,',
    replace:
      'max: Math.max(0, (to.earliest ?? Number.NEGATIVE_INFINITY) - from.latest),\n    min: from.earliest === null ? null : to.latest - from.earliest,',
    tests: [TRUTH],
  },
  {
    title: 'an OK after its Bye counts from its receipt',
    file: 'src/lifecycle/times.ts',
    find: 'byeAt < okAt && gaveNoTime(ok)',
    replace: 'byeAt < Number.NEGATIVE_INFINITY && gaveNoTime(ok)',
    tests: [GOLDEN],
  },
  {
    title: 'the time the receive loop stood still is forgotten',
    file: 'src/lifecycle/moment.ts',
    find: 'one.firstAt - horizonMs(settings) - one.idleMs',
    replace: 'one.firstAt - horizonMs(settings)',
    tests: [TRUTH],
  },
  {
    title: 'calls are cut without looking at their states',
    file: 'src/lifecycle/cut.ts',
    find: 'return rankX !== null && rankY !== null && (',
    replace: 'return rankX === 7 && rankY !== null && (',
    tests: [TRUTH],
  },
  {
    title: 'a hole in the serials still proves that nobody answered',
    file: 'src/lifecycle/disposition.ts',
    find: "return end - before === 1n ? notAnswered('proven', null)",
    replace: "return end - before >= 1n ? notAnswered('proven', null)",
    tests: [TRUTH],
  },
  {
    title: 'a hole in the serials of the source still proves it',
    file: 'src/lifecycle/disposition.ts',
    find: 'if (room || cutThrough) return unknown(finalAfter);',
    replace: 'if (cutThrough) return unknown(finalAfter);',
    tests: [TRUTH],
  },
  {
    title: 'a hole open at a restart changes its epoch',
    file: 'src/delivery/book.ts',
    find: 'this.events.push({ kind, epoch, from: String(from),',
    replace: 'this.events.push({ kind, epoch: this.epoch, from: String(from),',
    tests: [BOOK],
  },
  {
    title: 'a state nobody knows cannot have been the OK',
    file: 'src/lifecycle/disposition.ts',
    find: 'if (events.others.length > 0) return unknown(null);',
    replace: '',
    tests: [GOLDEN],
  },
  {
    title: 'dispositions are inferred while loss windows are open',
    file: 'src/lifecycle/loss.ts',
    find: 'if (facts.through < windowClosesAt(span.to, facts.settings)) return null;',
    replace: '',
    tests: [GOLDEN],
  },
  {
    title: 'a gap is lost as soon as it is found, without its deadline',
    file: 'src/lifecycle/gap.ts',
    find: 'const lost = through > deadlineAt;',
    replace: 'const lost = through > missing.openedAt;',
    tests: [GOLDEN],
  },
  {
    title: 'a call settles without waiting for W',
    file: 'src/lifecycle/fold.ts',
    find: 'settled: settleAfter !== null && facts.through >= settleAfter,',
    replace: 'settled: settleAfter !== null,',
    tests: [GOLDEN],
  },
  {
    title: 'a gap that was filled stays open',
    file: 'src/ingest/assemble/assemble.ts',
    find: 'return [...changed, ...gone.map((gap) => closeGap(gap, call, asOf))];',
    replace: 'return call === null ? [...changed, ...gone.map((gap) => closeGap(gap, call, asOf))] : changed;',
    tests: [LAW_2],
  },
  {
    title: 'pages begin after a time, without a tie-breaker',
    file: 'src/query/page.ts',
    find: 'Prisma.sql`(${key}, ${tie.column}) ${beyond} (${position.value}::${Prisma.raw(order.type)}, ${position.id}::${tieType})`',
    replace: 'Prisma.sql`${key} ${beyond} ${position.value}::${Prisma.raw(order.type)}`',
    tests: ['test/property/paging'],
  },
];
