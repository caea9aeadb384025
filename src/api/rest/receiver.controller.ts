import { Controller, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { Access } from '../../access/access.js';
import { By, ShowsNumbers } from '../../access/decorators.js';
import type { DatagramRow, ReceiverRow } from '../../query/contract.receiver.js';
import { DATAGRAMS_QUERY } from '../../query/contract.receiver.js';
import type { Raw } from '../reading.js';
import { Receiving } from '../receiving.js';
import { noParameters } from './answer.js';
import { Reads } from './reads.decorator.js';
import { reference } from './schemas.js';

/** What the receiver of this process knows; nothing of it is in the database. */
@ApiTags('receiver')
@Controller('api/v1')
export class ReceiverController {
  constructor(private readonly receiving: Receiving) {}

  @ShowsNumbers()
  @Reads('datagrams', {
    needs: 'quarantine:read',
    summary: 'What arrived lately at this receiver, oldest first: the last 1,000 datagrams, whatever became of them.',
    query: DATAGRAMS_QUERY,
    answer: reference('DatagramList'),
  })
  datagrams(
    @Query() query: Raw,
    @By() access: Access,
  ): {
    readonly data: readonly DatagramRow[];
    readonly page: { readonly nextAfter: string };
    readonly overwritten: number;
  } {
    const { data, nextAfter, overwritten } = this.receiving.datagrams(query, access);
    return { data, page: { nextAfter }, overwritten };
  }

  @Reads('receiver', {
    needs: 'metrics:read',
    summary: 'How this receiver listens, and what became of every datagram since it started.',
    answer: reference('Receiver'),
  })
  receiver(@Query() query: Raw, @By() access: Access): ReceiverRow {
    noParameters(query);
    return this.receiving.receiver(access);
  }
}
