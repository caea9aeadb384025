/** What an operator decides of a source. Until there are access keys HTTP listens on loopback alone, and so do these. */
import { Args, ArgsType, Field, ID, Int, Mutation, Resolver } from '@nestjs/graphql';
import { StoreUnavailable } from '../../ingest/ports.js';
import type { SerialMeaning } from '../../notification.js';
import { SERIAL_MEANING, type SourceRow } from '../../query/contract.js';
import { BadParameters, ReadUnavailable } from '../../query/faults.js';
import { type SettingFault, SourceSettings } from '../../sources/settings.js';
import { Reading } from '../reading.js';
import { enumOf, SourceType } from './types.js';

@ArgsType()
class KeyArguments {
  @Field(() => ID, { description: 'Key of the source.' })
  key!: string;
}

@ArgsType()
class MeaningArguments extends KeyArguments {
  @Field(() => enumOf(SERIAL_MEANING), { description: 'What its serials count; unknown: nothing is read from them.' })
  serialMeaning!: SerialMeaning;

  @Field(() => Int, {
    nullable: true,
    description: "per_call alone: the serial of a call's first notification; 1 when left out.",
  })
  serialBase?: number | null;
}

@ArgsType()
class CodecArguments extends KeyArguments {
  @Field(() => String, { description: 'delimited, key_value or json.' })
  codec!: string;

  @Field(() => String, {
    nullable: true,
    description: 'Between fields (delimited) or pairs (key_value), 1 to 4 bytes; a comma when left out.',
  })
  delimiter?: string | null;

  @Field(() => String, { defaultValue: 'utf-8', description: 'utf-8, or gb18030, which reads GBK and GB2312 too.' })
  charset!: string;
}

@ArgsType()
class NameArguments extends KeyArguments {
  @Field(() => String, { description: 'Its new name, 1 to 64 characters.' })
  name!: string;
}

@Resolver()
export class SourceSettingsResolver {
  constructor(
    private readonly settings: SourceSettings,
    private readonly reading: Reading,
  ) {}

  @Mutation(() => SourceType, {
    description:
      'Sets what the serials of a source count; learning leaves it alone from then on. Its open and unsettled calls are ' +
      'folded again, which raises their revision where a field changes.',
  })
  setSourceSerialMeaning(@Args({ type: () => MeaningArguments }) given: MeaningArguments): Promise<SourceRow> {
    const { key, serialMeaning, serialBase } = given;
    return this.decided(key, this.settings.setSerialMeaning(key, serialMeaning, serialBase ?? null));
  }

  @Mutation(() => SourceType, {
    description: 'Sets how a source writes. What does not fit goes to quarantine, and nothing is learned any more.',
  })
  setSourceCodec(@Args({ type: () => CodecArguments }) given: CodecArguments): Promise<SourceRow> {
    const { key, codec, delimiter, charset } = given;
    return this.decided(key, this.settings.setCodec(key, { codec, delimiter: delimiter ?? null, charset }));
  }

  @Mutation(() => SourceType, { description: 'Lets codec and serial meaning of a source be learned anew.' })
  relearnSource(@Args({ type: () => KeyArguments }) { key }: KeyArguments): Promise<SourceRow> {
    return this.decided(key, this.settings.relearn(key));
  }

  @Mutation(() => SourceType, { description: 'Gives a source another name; its key, and the ids of its calls, stay.' })
  renameSource(@Args({ type: () => NameArguments }) { key, name }: NameArguments): Promise<SourceRow> {
    return this.decided(key, this.settings.rename(key, name));
  }

  /** The source as it is after the decision. */
  private async decided(key: string, decision: Promise<readonly SettingFault[]>): Promise<SourceRow> {
    const faults = await unlessAway(decision);
    if (faults.length > 0) throw new BadParameters(faults);
    const source = await this.reading.source(key);
    if (source === null) throw new Error('a source that was just set is gone');
    return source;
  }
}

/** To a client the database is away, whichever side of the program found out. */
async function unlessAway<T>(decision: Promise<T>): Promise<T> {
  try {
    return await decision;
  } catch (error) {
    throw error instanceof StoreUnavailable ? new ReadUnavailable(error) : error;
  }
}
