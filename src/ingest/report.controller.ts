import { Controller } from '@nestjs/common';
import { MessagePattern } from '@nestjs/microservices';
import { type Fate, Tally } from '../metrics.js';
import type { UdpContext } from '../transport/udp.context.js';
import { UDP_TRANSPORT } from '../transport/udp.server.js';
import type { AckMirror } from '../wire/codec.js';
import type { ReportMessage, UnparsedMessage } from './datagram.codec.js';
import { GroupCommit } from './commit/group-commit.js';
import { AckProbes } from './operator/ack-probe.js';
import { Quarantine, type Unstorable } from './quarantine.js';

/** The handlers of the UDP transport. What they return is the ack; nothing returned is no ack, and the sender tries again. */
@Controller()
export class ReportController {
  constructor(
    private readonly groupCommit: GroupCommit,
    private readonly quarantine: Quarantine,
    private readonly tally: Tally,
    private readonly probes: AckProbes,
  ) {}

  /** Answers once the notification is committed, or synced in the spool, so that acked means durable (law 1). */
  @MessagePattern('report', UDP_TRANSPORT)
  async report({ arrival, address, mirror, context }: ReportMessage): Promise<AckMirror | undefined> {
    const submission = await this.groupCommit.submit(arrival);
    if (submission.stored) {
      // What it is, and hence what it counts as, its drain will tell: until then it is in flight.
      if (submission.outcome === 'spooled') context.decided(arrival.sourceKey, 'spooled', '');
      else this.decide(context, arrival.sourceKey, submission.outcome);
      return this.probes.answer(arrival, mirror);
    }
    if (submission.reason !== 'rejected') {
      this.decide(context, arrival.sourceKey, 'refused', submission.reason);
      return undefined;
    }
    const { sourceKey, stamp, payload } = arrival;
    const detail = 'PostgreSQL refused the values of this notification.';
    const receivedAt = stamp.at;
    await this.keep({ receivedAt, sourceKey, address, reason: 'rejected', detail, bytes: payload }, context);
    return undefined;
  }

  /** Keeps what could not be read, and never answers. */
  @MessagePattern('unparsed', UDP_TRANSPORT)
  async unparsed(message: UnparsedMessage): Promise<undefined> {
    const { context } = message;
    if (message.unstorable === null) this.decide(context, null, 'refused', message.reason);
    else await this.keep(message.unstorable, context);
    return undefined;
  }

  private async keep(unstorable: Unstorable, context: UdpContext): Promise<void> {
    const outcome = await this.quarantine.keep(unstorable);
    const { sourceKey, reason } = unstorable;
    if (outcome === 'quarantined') this.decide(context, sourceKey, outcome, reason);
    else this.decide(context, sourceKey, 'refused', outcome);
  }

  /** Counts what became of a datagram, and notes it for those who look at what arrived lately. */
  private decide(context: UdpContext, sourceKey: string | null, fate: Fate, reason = ''): void {
    this.tally.add(sourceKey ?? '', fate, reason);
    context.decided(sourceKey, fate, reason);
  }
}
