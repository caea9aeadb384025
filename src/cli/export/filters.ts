/** The filters of an export as options; the names are REST's, and test/e2e/export-command.spec.ts compares them. */
import { type Command, Option } from 'commander';

/** What an option takes, and what it means; the server judges the value. */
const FILTERS: Readonly<Record<string, readonly [flag: string, description: string]>> = {
  from: ['--from <time>', 'calls at this time or later, ISO 8601 with an offset'],
  to: ['--to <time>', 'calls before this time'],
  by: ['--by <time>', 'the time from and to speak of: firstSeenAt, ringingAt, answeredAt, endedAt'],
  state: ['--state <state...>', 'ringing, answered, ended'],
  disposition: ['--disposition <disposition...>', 'answered, not_answered, unknown'],
  dispositionBasis: ['--disposition-basis <basis...>', 'reported, proven, inferred'],
  endProvenance: ['--end-provenance <provenance...>', 'reported, presumed'],
  caller: ['--caller <number...>', 'exactly, by prefix (4420*) or by part (*5551*)'],
  callee: ['--callee <number...>', 'as --caller'],
  forward: ['--forward <number...>', 'as --caller'],
  callerE164: ['--caller-e164 <number...>', 'in E.164, as the rules of the source read it'],
  calleeE164: ['--callee-e164 <number...>', 'as --caller-e164'],
  menuId: ['--menu-id <id...>', 'menu ids'],
  source: ['--source <key...>', 'keys of sources'],
  callId: ['--call-id <id...>', 'Call IDs'],
  minTalkMs: ['--min-talk-ms <ms>', 'talked for at least so long'],
  maxTalkMs: ['--max-talk-ms <ms>', 'talked for at most so long'],
  minRingMs: ['--min-ring-ms <ms>', 'rang for at least so long'],
  maxRingMs: ['--max-ring-ms <ms>', 'rang for at most so long'],
  minRevision: ['--min-revision <count>', 'written anew so often or more'],
  maxRevision: ['--max-revision <count>', 'written anew so often at most'],
  q: ['--q <text>', 'text in the Call ID or a number, or an id'],
  hasGaps: ['--has-gaps <true|false>', 'whether an open or lost gap belongs to the call'],
  settled: ['--settled <true|false>', 'whether the record is settled'],
};

export const FILTER_NAMES: readonly string[] = Object.keys(FILTERS);

export function addFilterOptions(command: Command): void {
  for (const [flag, description] of Object.values(FILTERS)) command.addOption(new Option(flag, description));
}

export type FilterFlags = Readonly<Record<string, string | readonly string[] | true | undefined>>;

/** Of the options given, those that are filters, as query parameters. */
export function filtersOf(flags: FilterFlags): [string, string][] {
  return FILTER_NAMES.flatMap((name) =>
    [flags[name] ?? []].flat().map((value): [string, string] => [name, String(value)]),
  );
}
