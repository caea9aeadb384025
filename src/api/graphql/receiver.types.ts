/** What the receiver of this process can be told to do, as GraphQL shows it. */
import { ArgsType, Field, Float, ID, Int, ObjectType, registerEnumType } from '@nestjs/graphql';
import type { ProbePhase, ProbeReport, Trial } from '../../ingest/operator/ack-probe.js';
import type { Replayed } from '../../ingest/operator/replay.js';
import { Instant } from './scalars.js';

const PHASES: Readonly<Record<ProbePhase, ProbePhase>> = {
  searching: 'searching',
  confirming: 'confirming',
  found: 'found',
  ended: 'ended',
};
registerEnumType(PHASES, {
  name: 'AckProbePhase',
  description:
    'searching: every copy gets another form. confirming: silence followed one, which is tried again. found: it held ' +
    'three times. ended: the time is over and none was found.',
});

@ArgsType()
export class ReplayArguments {
  @Field(() => ID, { description: 'Key of the source.' })
  key!: string;

  @Field(() => String, { nullable: true, description: '`next` of the replay before; left out: from the oldest.' })
  after?: string | null;

  @Field(() => Int, { defaultValue: 500, description: 'Datagrams looked at, 1 to 500.' })
  limit!: number;
}

@ArgsType()
export class ProbeArguments {
  @Field(() => ID, { description: 'Key of the source.' })
  key!: string;

  @Field(() => Int, { defaultValue: 120, description: 'Seconds after which it gives up, 5 to 900.' })
  seconds!: number;
}

@ObjectType('UnreadableCount')
export class UnreadableCount {
  @Field(() => String, { description: 'Why they cannot be read.' })
  reason!: string;

  @Field(() => Int)
  count!: number;
}

@ObjectType('Replay', { description: 'What reading quarantined datagrams again did.' })
export class ReplayType {
  @Field(() => Int, { description: 'Datagrams looked at; copies of one count once.' })
  looked!: number;

  @Field(() => Int, { description: 'Stored now, and gone from quarantine.' })
  stored!: number;

  @Field(() => Int, { description: 'Of those stored, the ones the ledger had already.' })
  duplicate!: number;

  @Field(() => [UnreadableCount], { description: 'Still unreadable; they stay.' })
  unreadable!: readonly UnreadableCount[];

  @Field(() => Int, { description: 'Readable, but there was no room or no database just now; they stay.' })
  refused!: number;

  @Field(() => Instant, { nullable: true, description: 'First receipt of the oldest one stored.' })
  oldestAt!: Date | null;

  @Field(() => String, { nullable: true, description: 'What to go on after; null when there are no more.' })
  next!: string | null;
}

@ObjectType('AckTrial', { description: 'How one form of the ack did. A field that is null mirrors the request.' })
export class AckTrialType {
  @Field(() => String, {
    nullable: true,
    description: 'serial_call_id, call_id, serial or echo; null: both, in order.',
  })
  content!: string | null;

  @Field(() => String, { nullable: true })
  delimiter!: string | null;

  @Field(() => String, { nullable: true, description: 'none, nul, lf or crlf.' })
  terminator!: string | null;

  @Field(() => Int, { description: 'Acks sent in it.' })
  answered!: number;

  @Field(() => Int, { description: 'Notifications that fell silent after it.' })
  silent!: number;

  @Field(() => Int, { description: 'Copies that came though it had been sent.' })
  repeated!: number;
}

@ObjectType('AckProbe', { description: 'A search for the ack that a source understands.' })
export class AckProbeType {
  @Field(() => PHASES)
  phase!: ProbePhase;

  @Field(() => Instant)
  startedAt!: Date;

  @Field(() => Instant)
  endsAt!: Date;

  @Field(() => Float, { description: 'Notifications seen since it began.' })
  notifications!: number;

  @Field(() => Float, { description: 'Copies of them.' })
  copies!: number;

  @Field(() => AckTrialType, { nullable: true, description: 'The form found, or the one that is tried again.' })
  found!: AckTrialType | null;

  @Field(() => [AckTrialType], { description: 'Every form that was sent.' })
  trials!: readonly AckTrialType[];
}

export function replayOf({ unreadable, oldestAt, ...rest }: Replayed): ReplayType {
  return {
    ...rest,
    unreadable: Object.entries(unreadable).map(([reason, count]) => ({ reason, count })),
    oldestAt: oldestAt === null ? null : new Date(oldestAt),
  };
}

export function probeOf({ startedAt, endsAt, found, trials, ...rest }: ProbeReport): AckProbeType {
  return {
    ...rest,
    ...{ startedAt: new Date(startedAt), endsAt: new Date(endsAt) },
    ...{ found: found === null ? null : trialOf(found), trials: trials.map(trialOf) },
  };
}

function trialOf({ form, ...counts }: Trial): AckTrialType {
  const { content = null, delimiter = null, terminator = null } = form ?? {};
  return { content, delimiter, terminator, ...counts };
}
