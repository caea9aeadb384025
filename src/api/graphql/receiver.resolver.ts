import { Args, ID, Mutation, Query, Resolver } from '@nestjs/graphql';
import type { Access } from '../../access/access.js';
import { By, Changes, Needs } from '../../access/decorators.js';
import { REPLAY_MAX } from '../../ingest/operator/replay.js';
import { BadParameters } from '../../query/faults.js';
import { NO_SUCH_SOURCE } from '../../sources/settings.js';
import { Reading } from '../reading.js';
import { Receiving } from '../receiving.js';
import { unlessAway } from './errors.js';
import { AckProbeType, ProbeArguments, probeOf, ReplayArguments, replayOf, ReplayType } from './receiver.types.js';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const SECONDS_MIN = 5;
const SECONDS_MAX = 900;

/** What an operator has the receiver of this process do. */
@Resolver()
export class ReceiverResolver {
  constructor(
    private readonly receiving: Receiving,
    private readonly reading: Reading,
  ) {}

  @Needs('sources:write')
  @Changes()
  @Mutation(() => ReplayType, {
    description:
      'Reads quarantined datagrams of a source again, as it is set now. What can be read is stored under the receipts it ' +
      'was stamped with and leaves quarantine; nothing is acknowledged.',
  })
  async replayQuarantine(
    @Args({ type: () => ReplayArguments }) given: ReplayArguments,
    @By() access: Access,
  ): Promise<ReplayType> {
    const { key, after = null, limit } = given;
    if (after !== null && !UUID.test(after)) throw fault('after', 'is none that a replay gave');
    if (limit < 1 || limit > REPLAY_MAX) throw fault('limit', `must be 1 to ${String(REPLAY_MAX)}`);
    const replayed = access.sees(key) ? await unlessAway(this.receiving.replay.run(key, after, limit)) : null;
    if (replayed === null) throw new BadParameters(NO_SUCH_SOURCE);
    return replayOf(replayed);
  }

  @Needs('sources:write')
  @Changes()
  @Mutation(() => AckProbeType, {
    description:
      'Answers the copies of a source in one form after another until they stop. Stored notifications alone are answered, ' +
      'never with more bytes than they have.',
  })
  async probeAcks(
    @Args({ type: () => ProbeArguments }) { key, seconds }: ProbeArguments,
    @By() access: Access,
  ): Promise<AckProbeType> {
    if (seconds < SECONDS_MIN || seconds > SECONDS_MAX) {
      throw fault('seconds', `must be ${String(SECONDS_MIN)} to ${String(SECONDS_MAX)}`);
    }
    if ((await this.reading.source(key, access)) === null) throw new BadParameters(NO_SUCH_SOURCE);
    const report = this.receiving.probes.start(key, seconds * 1000);
    if (report === null) throw fault('key', 'cannot be probed now: as many sources as may be are');
    return probeOf(report);
  }

  @Needs('sources:write')
  @Changes()
  @Mutation(() => AckProbeType, { nullable: true, description: 'Ends a probe; null when there is none.' })
  stopAckProbe(@Args('key', { type: () => ID }) key: string, @By() access: Access): AckProbeType | null {
    const report = access.sees(key) ? this.receiving.probes.stop(key) : null;
    return report === null ? null : probeOf(report);
  }

  @Needs('known')
  @Query(() => AckProbeType, { nullable: true, description: 'How the last probe of a source does; null without one.' })
  ackProbe(@Args('key', { type: () => ID }) key: string, @By() access: Access): AckProbeType | null {
    const report = access.sees(key) ? this.receiving.probes.report(key) : null;
    return report === null ? null : probeOf(report);
  }
}

function fault(parameter: string, reason: string): BadParameters {
  return new BadParameters([{ parameter, reason }]);
}
