import { DATAGRAM, FATE_COUNT, RECEIVER, SOCKET } from '../../query/contract.receiver.js';
import { reference, type Schema, tableSchema } from './schemas.js';

const receiver = tableSchema(RECEIVER);

/** The OpenAPI schemas of what the receiver knows. */
export const RECEIVER_SCHEMAS: Record<string, Schema> = {
  Datagram: tableSchema(DATAGRAM),
  DatagramList: {
    type: 'object',
    properties: {
      data: { type: 'array', items: reference('Datagram') },
      page: {
        type: 'object',
        properties: { nextAfter: { type: 'string', description: 'What to give as `after` the next time.' } },
        required: ['nextAfter'],
      },
      overwritten: {
        type: 'integer',
        description: 'Datagrams after `after` that later ones have pushed out already.',
      },
    },
    required: ['data', 'page', 'overwritten'],
  },
  Socket: tableSchema(SOCKET),
  FateCount: tableSchema(FATE_COUNT),
  Receiver: {
    ...receiver,
    properties: {
      ...receiver.properties,
      sockets: { type: 'array', items: reference('Socket') },
      fates: { type: 'array', items: reference('FateCount'), description: 'What became of the datagrams, by source.' },
    },
    required: [...(receiver.required ?? []), 'sockets', 'fates'],
  },
};
