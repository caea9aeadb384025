/** Guards against: an answer from the address that was asked, taken for one from elsewhere because it is written in another way. */
import { judgeReply } from './reply.js';

const FORMAT = { codec: 'delimited', delimiter: ',', charset: 'utf-8' } as const;
const FIELDS = {
  ...{ callId: 'a', serial: '1', state: 'Ringing', callerNumber: '10', calleeNumber: '20' },
  ...{ forwardNumber: '', menuId: '5', menuName: 'x' },
};

test.each([
  ['192.0.2.1', '192.0.2.1', true],
  ['192.0.2.1', '::ffff:192.0.2.1', true],
  ['fe80::1%eth0', 'fe80::1%eth0', true],
  ['192.0.2.1', '192.0.2.2', false],
])('asked %s, an answer from %s: from whom was asked is %p', (host, address, isFromTarget) => {
  const reply = { bytes: Buffer.from('a,1'), address, port: 8000 };
  const expected = { fields: FIELDS, format: FORMAT, target: { host, port: 8000 } };
  expect(judgeReply(reply, expected)).toMatchObject({ kind: 'match', isFromTarget });
});
