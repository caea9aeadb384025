/** What only a running receiver knows: the contract's records of what arrived lately and of how it listens. */
import {
  type Enumeration,
  type FieldTable,
  type RowOf,
  bytes,
  count,
  instant,
  listOf,
  orNull,
  span,
  text,
} from './field.js';
import { anyEnum, anyText, optionalCount, presetCount } from './parameters.js';

export const DATAGRAM = {
  id: text('Rises with every datagram received, also over a restart; what to give as `after`.'),
  receivedAt: instant('When it was read.'),
  address: text('Address of its sender.'),
  port: count('Port of its sender.'),
  localAddress: text('Address of the socket it came to.'),
  localPort: count('Port of the socket it came to.'),
  source: orNull(text('Key of its source; null for a refused address.')),
  fate: orNull(text('first, duplicate, conflict, spooled, quarantined or refused; null while it is in flight.')),
  reason: orNull(text('Why it was quarantined or refused; null otherwise.')),
  bytesBase64: orNull(
    bytes(
      'Its bytes, in base64; of a refused address the first 64. Null without the scope numbers:clear, as is ackBase64.',
    ),
  ),
  length: count('Bytes received.'),
  ackBase64: orNull(bytes('The bytes it was answered with, in base64; null without an answer.')),
  ackedAt: orNull(instant('When the answer was handed to the operating system.')),
} satisfies FieldTable;
export type DatagramRow = RowOf<typeof DATAGRAM>;

export const SOCKET = {
  address: text('Address it is bound to.'),
  port: count('Port it is bound to.'),
  receiveBufferAskedBytes: span('Receive buffer asked of the kernel, in bytes (UDP_RECEIVE_BUFFER_BYTES).'),
  receiveBufferGrantedBytes: span('Receive buffer the kernel granted, in bytes.'),
  warnings: listOf(text('What an operator should change, in words.')),
} satisfies FieldTable;
export type SocketRow = RowOf<typeof SOCKET>;

export const FATE_COUNT = {
  source: text('Key of the source; empty where none could be opened.'),
  fate: text('first, duplicate, conflict, quarantined or refused.'),
  reason: text('Why it was quarantined or refused; empty for what was stored.'),
  count: span('Datagrams since the start.'),
} satisfies FieldTable;
export type FateCountRow = RowOf<typeof FATE_COUNT>;

export const RECEIVER = {
  startedAt: instant('When this process began to receive.'),
  received: span('Datagrams received since then, whatever became of them.'),
  answered: span('Answers sent.'),
  refusedAddress: span('Datagrams of addresses that UDP_ALLOWED_SOURCES does not hold.'),
  refusedStopping: span('Datagrams that came while it was stopping.'),
  oversized: span('Datagrams longer than UDP_MAX_DATAGRAM_BYTES.'),
  failed: span('Datagrams that a fault of ours left unanswered.'),
  inFlight: span('Datagrams whose fate is not decided yet.'),
} satisfies FieldTable;

/** The receiver of the process that answers. */
export type ReceiverRow = RowOf<typeof RECEIVER> & {
  readonly sockets: readonly SocketRow[];
  readonly fates: readonly FateCountRow[];
};

const DATAGRAM_FATE: Enumeration = {
  name: 'DatagramFate',
  description: 'What became of a datagram.',
  values: ['first', 'duplicate', 'conflict', 'spooled', 'quarantined', 'refused'],
};

/** What `GET /datagrams` takes. */
export const DATAGRAMS_QUERY = {
  source: anyText('Key of the source, or an address.'),
  fate: anyEnum(DATAGRAM_FATE, 'What became of it.'),
  after: optionalCount(0, Number.MAX_SAFE_INTEGER, 'Only what was received after the datagram with this id.'),
  limit: presetCount(1, 1_000, 100, 'Datagrams at most: the newest, or with `after` the ones that follow it.'),
};
