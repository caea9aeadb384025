import { Controller } from '@nestjs/common';
import { MessagePattern } from '@nestjs/microservices';
import { Tally } from '../metrics.js';
import { UDP_TRANSPORT } from '../transport/udp.server.js';
import type { AckMirror } from '../wire/codec.js';
import type { ReportMessage, UnparsedMessage } from './datagram.codec.js';
import { GroupCommit } from './group-commit.js';
import { Quarantine, type Unstorable } from './quarantine.js';

/** The handlers of the UDP transport. What they return is the ack; nothing returned is no ack, and the sender tries again. */
@Controller()
export class ReportController {
  constructor(
    private readonly groupCommit: GroupCommit,
    private readonly quarantine: Quarantine,
    private readonly tally: Tally,
  ) {}

  /** Answers once the notification is committed, so that acked means durable (law 1). */
  @MessagePattern('report', UDP_TRANSPORT)
  async report({ arrival, address, mirror }: ReportMessage): Promise<AckMirror | undefined> {
    const submission = await this.groupCommit.submit(arrival);
    if (submission.stored) {
      this.tally.add(arrival.sourceKey, submission.outcome);
      return mirror;
    }
    if (submission.reason !== 'rejected') {
      this.tally.add(arrival.sourceKey, 'refused', submission.reason);
      return undefined;
    }
    const { sourceKey, stamp, payload } = arrival;
    const detail = 'PostgreSQL refused the values of this notification.';
    await this.keep({ receivedAt: stamp.at, sourceKey, address, reason: 'rejected', detail, bytes: payload });
    return undefined;
  }

  /** Keeps what could not be read, and never answers. */
  @MessagePattern('unparsed', UDP_TRANSPORT)
  async unparsed(message: UnparsedMessage): Promise<undefined> {
    if (message.unstorable === null) this.tally.add('', 'refused', message.reason);
    else await this.keep(message.unstorable);
    return undefined;
  }

  private async keep(unstorable: Unstorable): Promise<void> {
    const outcome = await this.quarantine.keep(unstorable);
    if (outcome === 'quarantined') this.tally.add(unstorable.sourceKey, 'quarantined', unstorable.reason);
    else this.tally.add(unstorable.sourceKey, 'refused', outcome);
  }
}
