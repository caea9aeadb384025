/** `ringledger calibrate`: teaches a running server how a source writes, and which answer it understands. */
import { Command, InvalidArgumentError, Option } from 'commander';
import { CHARSETS, type CodecSettings } from '../wire/codec.js';
import { NOTATIONS, notationOf, readNotation } from '../wire/settings/notation.js';
import { FIELD_NAMES } from '../wire/reading.js';
import { hexLine, visible } from './field/bytes.js';
import { type Quarantined, quarantineList, settings } from './field/contract.js';
import {
  type AckFormFields,
  type AckProbe,
  probeAcks,
  replayAll,
  saveAckForm,
  saveCodec,
  stopProbe,
} from './field/orders.js';
import { configuredApi, Server } from './field/server.js';
import { bestTrials, type CodecTrial, isMostlyUnknown, trialSum, tryCodec, unknownStateLines } from './field/trial.js';

interface Flags {
  readonly api: string;
  readonly source: string;
  readonly codec?: string;
  readonly charset: CodecSettings['charset'];
  readonly save?: boolean;
  readonly unknownStates?: boolean;
  readonly replay?: boolean;
  readonly ackProbe?: boolean;
  readonly seconds: number;
  readonly limit: number;
}

const PAGE = 500;
const REPLAY_WITHOUT_SAVE =
  '--codec with --replay needs --save as well: a replay reads by what is set for the source, and without --save this codec is not. Nothing was done.';

/** Exit code 0: done and nothing left unread; 1: some datagrams cannot be read so, or no form of the ack was found; 2: asked wrongly. */
export function calibrateCommand(): Command {
  return new Command('calibrate')
    .description(
      'Try a codec on the quarantined datagrams of a source, save it, read them again; find the ack it likes.',
    )
    .requiredOption('--source <key>', 'the source, by its key (its name or address)')
    .option('--codec <codec>', `${NOTATIONS}; without it the likeliest are named`)
    .addOption(new Option('--charset <name>', 'character set').choices(CHARSETS).default('utf-8'))
    .option('--save', 'set it for the source: from now on it is read so')
    .option('--unknown-states', 'with --save: set it also where most have a state nobody knows')
    .option('--replay', 'read the quarantined datagrams again, as the source is set then; with --codec it needs --save')
    .option(
      '--ack-probe',
      'answer copies in one form after another until they stop; with --save the form found is kept',
    )
    .option('--seconds <n>', 'how long --ack-probe tries at most', whole(5, 900), 120)
    .option('--limit <n>', 'quarantined datagrams tried, the newest', whole(1, 100_000), 1_000)
    .option('--api <url>', "the server's HTTP address", configuredApi())
    .action(async (flags: Flags) => {
      if (flags.codec !== undefined && flags.replay === true && flags.save !== true) {
        process.stderr.write(`${REPLAY_WITHOUT_SAVE}\n`);
        process.exitCode = 2;
        return;
      }
      process.exitCode = (await calibrate(flags)) ? 0 : 1;
    });
}

async function calibrate(flags: Flags): Promise<boolean> {
  const server = new Server(flags.api);
  const wanted = codecOf(flags);
  let isDone = true;
  if (wanted !== null) isDone = await tryAndSave(server, flags, wanted);
  else if (flags.replay !== true && flags.ackProbe !== true) return suggest(server, flags);
  if (flags.replay === true) isDone = (await replay(server, flags)) && isDone;
  if (flags.ackProbe === true) isDone = (await probe(server, flags)) && isDone;
  return isDone;
}

/** @throws Error with what is wrong with the notation */
function codecOf({ codec, charset }: Flags): CodecSettings | null {
  if (codec === undefined) return null;
  const read = readNotation(codec, charset);
  if (!read.ok) throw new Error(`--codec: ${read.reason}.`);
  return read.settings;
}

async function tryAndSave(server: Server, flags: Flags, wanted: CodecSettings): Promise<boolean> {
  const datagrams = await quarantineOf(server, flags);
  const trial = tryCodec(
    datagrams.map(({ bytesBase64 }) => bytesBase64),
    wanted,
  );
  say(
    `${notationOf(wanted)} in ${wanted.charset} on ${String(datagrams.length)} quarantined datagrams of ${flags.source}:`,
  );
  for (const line of trialLines(trial)) say(`  ${line}`);
  const isDoubtful = isMostlyUnknown(trial) && flags.unknownStates !== true;
  if (flags.save === true && isDoubtful) throw new Error(NOT_SAVED);
  if (flags.save === true) {
    await saveCodec(server, flags.source, wanted);
    say(`Saved: ${flags.source} is read so from now on, by every receiver within a second.`);
  } else if (trial.parsed > 0 && trial.failed === 0) {
    say('Nothing was changed. Again with --save sets it, and with --save --replay reads what is in quarantine, too.');
  }
  return trial.failed === 0 && !isDoubtful;
}

/** Thrown, so that nothing is replayed either. */
const NOT_SAVED =
  'Nothing was saved or replayed: most would be stored with a state nobody knows. Are these really Call ID, Serial Number ' +
  'and Call State? If so, --unknown-states saves it all the same.';

function trialLines(trial: CodecTrial): readonly string[] {
  const { reasons, example } = trial;
  const fields = example?.fields ?? null;
  return [
    trialSum(trial),
    ...unknownStateLines(trial).map((line) => `  ${line}`),
    ...reasons.map(({ reason, count }) => `  ${String(count)} x ${reason}`),
    ...(fields === null
      ? []
      : ['the newest that was parsed:', ...FIELD_NAMES.map((name) => `  ${name.padEnd(14)} ${visible(fields[name])}`)]),
    ...(example?.ack == null ? [] : [`the ack it would send: ${hexLine(example.ack)}`]),
  ];
}

/** Without a codec: what reads most of what is there. */
async function suggest(server: Server, flags: Flags): Promise<boolean> {
  const datagrams = await quarantineOf(server, flags);
  if (datagrams.length === 0) {
    say(
      `Nothing of ${flags.source} is in quarantine. ringledger inspect --source '${flags.source}' shows what arrived.`,
    );
    return true;
  }
  const trials = bestTrials(
    datagrams.map(({ bytesBase64 }) => bytesBase64),
    5,
  );
  say(`${String(datagrams.length)} quarantined datagrams of ${flags.source}; what reads them:`);
  for (const trial of trials) {
    const { settings: way } = trial;
    say(`  ${trialSum(trial)}  --codec '${notationOf(way)}' --charset ${way.charset}`);
  }
  if (trials.length === 0) say(`  ${NOTHING_READS}`);
  else
    say('Again with the first --codec tries it in full, with --save and --replay it is set and they are read again.');
  return trials.some((trial) => trial.failed === 0 && !isMostlyUnknown(trial));
}

const NOTHING_READS =
  'nothing that is tried by itself. Fixed columns and odd lengths have to be told: see inspect, then --codec. Another order ' +
  'of the fields, or states in another language, cannot be set.';

async function replay(server: Server, { source }: Flags): Promise<boolean> {
  const { stored, duplicate, refused, unreadable, oldestAt } = await replayAll(server, source);
  say(
    `Replayed: ${String(stored)} stored under the receipts they were stamped with, ${String(duplicate)} of them known before.`,
  );
  for (const [reason, count] of unreadable)
    say(`  ${String(count)} still unreadable (${reason}); they stay in quarantine`);
  if (refused > 0) say(`  ${String(refused)} found no room or no database; run it again`);
  const { staleAnsweredMs } = await server.get('/api/v1/settings', {}, settings);
  if (oldestAt !== null && Date.now() - oldestAt > staleAnsweredMs)
    say(
      '  Some are older than STALE_ANSWERED_S: run `ringledger rebuild` once, so that calls settled without them are made anew.',
    );
  if (stored > 0) say(`See them: ${server.api}/api/v1/calls?source=${encodeURIComponent(source)}`);
  return unreadable.size === 0 && refused === 0;
}

async function probe(server: Server, { source, seconds, save }: Flags): Promise<boolean> {
  say(
    `Answering the copies of ${source} in one form after another, for ${String(seconds)} s at most. Make calls meanwhile.`,
  );
  const stop = (): void => {
    void stopProbe(server, source).finally(() => process.exit(130));
  };
  process.once('SIGINT', stop);
  const found = await probeAcks(server, source, seconds, (state) => {
    say(`  ${state.phase}: ${String(state.notifications)} notifications, ${String(state.copies)} copies`);
  });
  process.removeListener('SIGINT', stop);
  for (const one of found.trials) {
    const did = `answered ${String(one.answered)}, then silent ${String(one.silent)}, came again ${String(one.repeated)}`;
    say(`  ${formText(one).padEnd(34)} ${did}`);
  }
  return tellProbe(server, source, found, save === true);
}

async function tellProbe(server: Server, source: string, state: AckProbe, save: boolean): Promise<boolean> {
  const { found, copies } = state;
  if (state.phase !== 'found' || found === null) {
    const none =
      copies === 0 ? 'No copy came: its answers are understood, or it sent nothing.' : 'No form stopped the copies.';
    say(`${none} ringledger doctor says whether answers reach it at all.`);
    return copies === 0 && state.notifications > 0;
  }
  say(`Found: the copies stop after ${formText(found)}.`);
  if (save) {
    await saveAckForm(server, source, found);
    say(`Saved: ${source} is answered so from now on.`);
  } else say('Again with --save keeps it; without, the probe ends with its time.');
  return true;
}

function formText({ content, delimiter, terminator }: AckFormFields): string {
  const parts = [
    ...(content === null ? [] : [content === 'echo' ? 'the whole request' : `only ${content}`]),
    ...(delimiter === null ? [] : [`delimiter ${JSON.stringify(delimiter)}`]),
    ...(terminator === null ? [] : [`terminator ${terminator}`]),
  ];
  return parts.length === 0 ? 'the mirror of the request' : parts.join(', ');
}

async function quarantineOf(server: Server, { source, limit }: Flags): Promise<readonly Quarantined[]> {
  const rows: Quarantined[] = [];
  let cursor: string | undefined;
  do {
    const query = { source, cursor, limit: String(Math.min(PAGE, limit)) };
    const { data, page } = await server.get('/api/v1/quarantine', query, quarantineList);
    rows.push(...data);
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined && rows.length < limit);
  return rows.slice(0, limit);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function whole(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d{1,9}$/.test(text) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${String(least)} to ${String(most)}.`);
  };
}
