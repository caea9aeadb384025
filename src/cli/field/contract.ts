/** As much of the server's answers as the operator's commands need. Instants become ms since the epoch. */
import { z } from 'zod';
import { MASKED } from './server.js';

const instant = z.iso.datetime().transform((text) => Date.parse(text));
const bytes = z.string(MASKED).transform((text) => Buffer.from(text, 'base64'));

const datagram = z.object({
  id: z.string(),
  receivedAt: instant,
  address: z.string(),
  port: z.number(),
  localAddress: z.string(),
  localPort: z.number(),
  source: z.string().nullable(),
  fate: z.string().nullable(),
  reason: z.string().nullable(),
  bytesBase64: bytes,
  length: z.number(),
  ackBase64: bytes.nullable(),
  ackedAt: instant.nullable(),
});
/** One datagram that arrived lately. */
export type Datagram = z.output<typeof datagram>;

export const datagramList = z.object({
  data: z.array(datagram),
  page: z.object({ nextAfter: z.string() }),
  overwritten: z.number(),
});
export type DatagramList = z.output<typeof datagramList>;

const quarantined = z.object({
  id: z.string(),
  receivedAt: instant,
  lastReceivedAt: instant,
  copies: z.number(),
  source: z.string(),
  address: z.string(),
  reason: z.string(),
  detail: z.string(),
  bytesBase64: bytes,
  length: z.number(),
});
/** A datagram that could not be read, with its copies. */
export type Quarantined = z.output<typeof quarantined>;

const page = z.object({ nextCursor: z.string().nullable() });
export const quarantineList = z.object({ data: z.array(quarantined), page });

const source = z.object({
  key: z.string(),
  name: z.string(),
  addresses: z.array(z.string()),
  codec: z.string().nullable(),
  charset: z.string(),
  serialMeaning: z.string(),
  locked: z.boolean(),
  lastHeardAt: instant.nullable(),
  feed: z.string(),
  ackHealth: z.string(),
  ackDiagnosis: z.string(),
  copiesPerNotification: z.number().nullable(),
});
export type Source = z.output<typeof source>;
export const sourceList = z.object({ data: z.array(source), page });

export const settings = z.object({
  retry: z.number(),
  intervalMs: z.number(),
  horizonMs: z.number(),
  staleAnsweredMs: z.number(),
  udpPort: z.number(),
  udpHosts: z.array(z.string()),
});
export type Settings = z.output<typeof settings>;

export const receiver = z.object({
  startedAt: instant,
  received: z.number(),
  answered: z.number(),
  refusedAddress: z.number(),
  failed: z.number(),
  sockets: z.array(
    z.object({
      address: z.string(),
      port: z.number(),
      receiveBufferAskedBytes: z.number(),
      receiveBufferGrantedBytes: z.number(),
      warnings: z.array(z.string()),
    }),
  ),
  fates: z.array(z.object({ source: z.string(), fate: z.string(), reason: z.string(), count: z.number() })),
});
export type Receiver = z.output<typeof receiver>;

const call = z.object({
  id: z.string(),
  source: z.string(),
  callId: z.string(),
  state: z.string(),
  firstSeenAt: instant,
  ringingAt: instant.nullable(),
  answeredAt: instant.nullable(),
  endProvenance: z.string().nullable(),
  late: z.boolean(),
});
export type Call = z.output<typeof call>;
export const callList = z.object({ data: z.array(call), page });

export const readiness = z.object({ status: z.string(), problems: z.array(z.string()) });
