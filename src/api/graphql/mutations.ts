/** What an operator decides of a source, and what was decided. */
import {
  Args,
  ArgsType,
  Context,
  Field,
  ID,
  InputType,
  Int,
  Mutation,
  Parent,
  ResolveField,
  Resolver,
} from '@nestjs/graphql';
import type { Access } from '../../access/access.js';
import { By, Changes, Needs } from '../../access/decorators.js';
import type { SerialMeaning } from '../../notification.js';
import { SERIAL_MEANING, type SourceChangeRow, type SourceRow } from '../../query/contract.js';
import { BadParameters } from '../../query/faults.js';
import { NO_SUCH_SOURCE, type SettingFault, SourceSettings } from '../../sources/settings.js';
import { Reading } from '../reading.js';
import { unlessAway } from './errors.js';
import { RequestLoaders } from './loaders.js';
import { enumOf, SourceChangeType, SourceType } from './types.js';

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
  @Field(() => String, { description: 'delimited, key_value, json, xml, length_prefixed or fixed.' })
  codec!: string;

  @Field(() => String, {
    nullable: true,
    description: 'Between fields (delimited) or pairs (key_value), 1 to 4 bytes; a comma when left out.',
  })
  delimiter?: string | null;

  @Field(() => String, { defaultValue: 'utf-8', description: 'utf-8, or gb18030, which reads GBK and GB2312 too.' })
  charset!: string;

  @Field(() => Boolean, {
    nullable: true,
    description: 'delimited alone: fields may stand in double quotes, a quote inside doubled.',
  })
  quoted?: boolean | null;

  @Field(() => Int, {
    nullable: true,
    description: 'length_prefixed alone: bytes of the length before each field, 1, 2 or 4; 1 when left out.',
  })
  lengthBytes?: number | null;

  @Field(() => String, { nullable: true, description: 'length_prefixed alone: big or little; big when left out.' })
  byteOrder?: string | null;

  @Field(() => [Int], {
    nullable: true,
    description: 'fixed alone, and must be set: bytes of each of the eight fields.',
  })
  widths?: number[] | null;
}

@ArgsType()
class CharsetArguments extends KeyArguments {
  @Field(() => String, { description: 'utf-8, or gb18030, which reads GBK and GB2312 too.' })
  charset!: string;
}

@ArgsType()
class AckFormArguments extends KeyArguments {
  @Field(() => String, {
    nullable: true,
    description: 'What is repeated: call_id_serial, serial_call_id, call_id, serial, or echo, the whole request.',
  })
  content?: string | null;

  @Field(() => String, { nullable: true, description: 'delimited and key_value: between the two, 1 to 4 characters.' })
  delimiter?: string | null;

  @Field(() => String, { nullable: true, description: 'What ends it: none, nul, lf or crlf.' })
  terminator?: string | null;
}

@InputType({ description: 'What a number is rewritten by before it is read in E.164.' })
class NumberRewrite {
  @Field(() => String, {
    description:
      'A regular expression that is searched for in the number as received, such as ^00. At most 100 characters and 3 repetitions, ' +
      'no repeated group, no reference back, no (?.',
  })
  pattern!: string;

  @Field(() => String, { description: 'What takes the place of what was found: digits, + and $1 to $9.' })
  replacement!: string;
}

@ArgsType()
class NumberRulesArguments extends KeyArguments {
  @Field(() => String, {
    nullable: true,
    description: 'Country of numbers that do not say theirs (ISO 3166, GB); left out, such numbers are not read.',
  })
  country?: string | null;

  @Field(() => [NumberRewrite], { nullable: true, description: 'The first that is found counts; 50 at most.' })
  rewrites?: NumberRewrite[] | null;
}

@ArgsType()
class NameArguments extends KeyArguments {
  @Field(() => String, { description: 'Its new name, 1 to 64 characters.' })
  name!: string;
}

/** Changes of one source that GraphQL shows at most; REST pages through all of them. */
const CHANGES_MAX = 100;
const CHANGES_PRESET = 20;

@Resolver(() => SourceType)
export class SourceSettingsResolver {
  private readonly loaders: RequestLoaders;

  constructor(
    private readonly settings: SourceSettings,
    private readonly reading: Reading,
  ) {
    this.loaders = new RequestLoaders(reading);
  }

  @ResolveField(() => [SourceChangeType], { description: 'What was changed of it, the newest first.' })
  changes(
    @Parent() { key }: SourceRow,
    @Args('first', { type: () => Int, defaultValue: CHANGES_PRESET, description: 'Changes at most, 1 to 100.' })
    first: number,
    @Context() context: object,
  ): Promise<readonly SourceChangeRow[]> {
    if (first < 1 || first > CHANGES_MAX) {
      throw new BadParameters([{ parameter: 'first', reason: `must be from 1 to ${String(CHANGES_MAX)}` }]);
    }
    return this.loaders.of(context).changes(first).load(key);
  }

  @Needs('sources:write')
  @Changes()
  @Mutation(() => SourceType, {
    description:
      'Sets what the serials of a source count; learning leaves it alone from then on. Its open and unsettled calls are ' +
      'folded again, which raises their revision where a field changes.',
  })
  setSourceSerialMeaning(
    @Args({ type: () => MeaningArguments }) { key, serialMeaning, serialBase }: MeaningArguments,
    @By() access: Access,
  ): Promise<SourceRow> {
    return this.decided(key, access, (by) => by.setSerialMeaning(key, serialMeaning, serialBase ?? null));
  }

  @Needs('sources:write')
  @Changes()
  @Mutation(() => SourceType, {
    description:
      'Sets how a source writes. What does not fit goes to quarantine, and nothing is learned any more. Needs numbers:clear as well.',
  })
  setSourceCodec(
    @Args({ type: () => CodecArguments }) given: CodecArguments,
    @By() access: Access,
  ): Promise<SourceRow> {
    demandSight(access);
    return this.decided(given.key, access, (by) => by.setCodec(given.key, given));
  }

  @Needs('sources:write')
  @Changes()
  @Mutation(() => SourceType, { description: 'Sets the character set of a source whose codec is known.' })
  setSourceCharset(
    @Args({ type: () => CharsetArguments }) { key, charset }: CharsetArguments,
    @By() access: Access,
  ): Promise<SourceRow> {
    return this.decided(key, access, (by) => by.setCharset(key, charset));
  }

  @Needs('sources:write')
  @Changes()
  @Mutation(() => SourceType, {
    description:
      'Sets how a source is answered; what is left out mirrors its request, and with nothing set all of it does. An ack ' +
      'that would be longer than its request mirrors it all the same.',
  })
  setSourceAckForm(
    @Args({ type: () => AckFormArguments }) given: AckFormArguments,
    @By() access: Access,
  ): Promise<SourceRow> {
    return this.decided(given.key, access, (by) => by.setAckForm(given.key, given));
  }

  @Needs('sources:write')
  @Changes()
  @Mutation(() => SourceType, {
    description:
      'Sets how the numbers of a source are read in E.164 (callerE164, calleeE164 of its calls, those of before included, within ' +
      'seconds); with nothing set they are not. Numbers as received stay as they are. Needs numbers:clear as well.',
  })
  setSourceNumberRules(
    @Args({ type: () => NumberRulesArguments }) given: NumberRulesArguments,
    @By() access: Access,
  ): Promise<SourceRow> {
    demandSight(access);
    return this.decided(given.key, access, (by) => by.setNumberRules(given.key, given));
  }

  @Needs('sources:write')
  @Changes()
  @Mutation(() => SourceType, { description: 'Lets codec and serial meaning of a source be learned anew.' })
  relearnSource(@Args({ type: () => KeyArguments }) { key }: KeyArguments, @By() access: Access): Promise<SourceRow> {
    return this.decided(key, access, (by) => by.relearn(key));
  }

  @Needs('sources:write')
  @Changes()
  @Mutation(() => SourceType, { description: 'Gives a source another name; its key, and the ids of its calls, stay.' })
  renameSource(
    @Args({ type: () => NameArguments }) { key, name }: NameArguments,
    @By() access: Access,
  ): Promise<SourceRow> {
    return this.decided(key, access, (by) => by.rename(key, name));
  }

  /** The source as it is after the decision. */
  private async decided(
    key: string,
    access: Access,
    decide: (settings: SourceSettings) => Promise<readonly SettingFault[]>,
  ): Promise<SourceRow> {
    if (!access.sees(key)) throw new BadParameters(NO_SUCH_SOURCE);
    const faults = await unlessAway(decide(this.settings.as(access.holder.name)));
    if (faults.length > 0) throw new BadParameters(faults);
    const source = await this.reading.source(key, access);
    if (source === null) throw new Error('a source that was just set is gone');
    return source;
  }
}

/**
 * Who decides where numbers stand, or what becomes of them, could have hidden digits stand where they are shown: as a menu's name, or
 * as the first four of another number.
 */
function demandSight(access: Access): void {
  access.demand('numbers:clear', 'To decide how numbers are read');
}
