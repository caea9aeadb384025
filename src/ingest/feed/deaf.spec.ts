import { deafTimes } from './deaf.js';

const dropped = { reason: 'kernel', dropped: 1, received: 9 };

test('all are deaf in an outage and where the kernel dropped, a source alone where it was refused; what overlaps is one', () => {
  const deaf = deafTimes({
    outages: [{ from: 50, to: 60 }],
    overflows: [
      { ...dropped, sourceKey: null, from: 10, to: 20 },
      { ...dropped, sourceKey: 'busy', from: 15, to: 30 },
      { ...dropped, sourceKey: 'busy', from: 16, to: 18 },
      { ...dropped, sourceKey: null, from: 20, to: 25 },
    ],
  });
  expect(deaf('quiet')).toEqual([
    { from: 10, to: 25 },
    { from: 50, to: 60 },
  ]);
  expect(deaf('busy')).toEqual([
    { from: 10, to: 30 },
    { from: 50, to: 60 },
  ]);
  expect(deafTimes({ outages: [], overflows: [] })('quiet')).toEqual([]);
});
