/** `ringledger simulate`: an IVR that knows what it sent, and judges what the ledger made of it. Speaks UDP and HTTP only. */
import { SingleBar } from 'cli-progress';
import { Command, InvalidArgumentError, Option } from 'commander';
import { ACK_MATCHES, type Target } from '../simulator/sender/ivr.js';
import { RINGING_CODES } from '../simulator/sender/plan.js';
import { judgementText, outcomeJson, runText } from '../simulator/judge/report.js';
import { SENT_SERIAL_MEANINGS } from '../simulator/sender/serials.js';
import { type Progress, simulate, type SimulateOptions } from '../simulator/simulate.js';
import { configuredApi, configuredTarget } from './field/server.js';
import { addFormatOptions, type FormatFlags, formatOf } from './format.js';

/** The command line: 0 the ledger told the truth, 1 it did not, 2 the run was not possible. */
export function simulateCommand(): Command {
  const command = new Command('simulate')
    .description('Play an IVR over UDP, then read the ledger and judge whether it tells the truth.')
    .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2));
  addCallOptions(command);
  addFormatOptions(command);
  addNetworkOptions(command);
  addRunOptions(command);
  return command.action(async (flags: Flags) => {
    process.exitCode = await run(flags);
  });
}

/** Commander's reading of the options, seconds still seconds. */
interface Flags extends FormatFlags {
  readonly target: Target[];
  readonly api: string;
  readonly calls: number;
  readonly rate: number;
  readonly answerRatio: number;
  readonly hold: number;
  readonly ring: number;
  readonly scale: boolean;
  readonly directOk: number;
  readonly failedWithBye: number;
  readonly failedWithoutBye: number;
  readonly codes: SimulateOptions['codes'];
  readonly restartCallIds?: number;
  readonly callIdPrefix?: string;
  readonly serial: SimulateOptions['serial'];
  readonly ackMatch: SimulateOptions['ackMatch'];
  readonly interval?: number;
  readonly retry?: number;
  readonly sources: number;
  readonly sourceAddress?: string;
  readonly lossIn: number;
  readonly lossBack: number;
  readonly duplicate: number;
  readonly reorder: number;
  readonly pauseAt?: number;
  readonly pauseFor?: number;
  readonly downMs?: number;
  readonly seed?: string;
  readonly wait?: number;
  readonly clockToleranceMs: number;
  readonly json?: boolean;
}

function addCallOptions(command: Command): void {
  command
    .option('--calls <n>', 'how many calls', whole, 1000)
    .option('--rate <n>', 'calls per second', positive, 50)
    .option('--answer-ratio <share>', 'share of calls that are answered', share, 0.6)
    .option('--ring <s>', 'mean ringing time', positive, 10)
    .option('--hold <s>', 'mean talk time', positive, 30)
    .option('--no-scale', 'do not shorten ring and hold as the retry interval is shorter than 3 s')
    .option('--direct-ok <share>', 'share of answered calls without any Ringing', share, 0.02)
    .option('--failed-with-bye <share>', 'share of unanswered calls that report a Bye alone', share, 0)
    .option('--failed-without-bye <share>', 'share of unanswered calls that ring and never report a Bye', share, 0)
    .addOption(new Option('--codes <kind>', 'how Ringing is written').choices(RINGING_CODES).default('mix'))
    .option('--restart-call-ids <n>', 'Call IDs start again after so many calls of a source', whole)
    .option('--call-id-prefix <text>', 'what Call IDs begin with (default: seed and time, new in each run)')
    .addOption(
      new Option('--serial <meaning>', 'what Serial Numbers count').choices(SENT_SERIAL_MEANINGS).default('per_call'),
    )
    .addOption(
      new Option('--ack-match <way>', 'which waiting notification a response ends when several have its serial')
        .choices(ACK_MATCHES)
        .default('state'),
    );
}

function addNetworkOptions(command: Command): void {
  command
    .addOption(
      new Option('--target <host:port,...>', 'where reports go; of several, each datagram goes to one at random')
        .argParser(targets)
        .default(targets(configuredTarget()), configuredTarget()),
    )
    .option('--sources <n>', 'how many IVRs, each with its own address', whole, 1)
    .option('--source-address <ip>', 'address of the first (default: one of its own on a loopback of Linux)')
    .option('--interval <s>', "time between tries (default: the receiver's)", positive)
    .option('--retry <n>', "tries after the first (default: the receiver's)", wholeOrNone)
    .option('--loss-in <share>', 'loss of datagrams towards the receiver', share, 0)
    .option('--loss-back <share>', 'loss of its responses', share, 0)
    .option('--duplicate <share>', 'datagrams that arrive twice', share, 0)
    .option('--reorder <share>', 'datagrams held back up to half an interval, 0.4 s at most', share, 0)
    .option('--pause-at <s>', 'cut the link both ways so long after the start', seconds)
    .option('--pause-for <s>', 'and for so long', positive);
}

function addRunOptions(command: Command): void {
  command
    .option('--api <url>', "the ledger's HTTP address", configuredApi())
    .option('--seed <text>', 'replays the same calls and the same fate of each datagram (default: a new one)')
    .option('--wait <s>', 'how long records may take to settle (default: as long as the settings allow)', seconds)
    .option('--down-ms <n>', 'how long the receiver was truly down (default: as its HTTP port shows)', whole)
    .option('--clock-tolerance-ms <n>', 'how far the clocks of both sides may be apart', wholeOrNone, 5)
    .option('--json', 'print one JSON document instead of a table');
}

async function run(flags: Flags): Promise<number> {
  const bar = process.stderr.isTTY ? new SingleBar({ format: '{phase} {bar} {value}/{total} {unit}' }) : null;
  try {
    const outcome = await simulate(optionsOf(flags), progressOn(bar));
    bar?.stop();
    const text =
      flags.json === true ? outcomeJson(outcome) : `${runText(outcome)}\n\n${judgementText(outcome.judgement)}`;
    process.stdout.write(`${text}\n`);
    return outcome.judgement.passed ? 0 : 1;
  } catch (error) {
    bar?.stop();
    process.stderr.write(`simulate could not run: ${error instanceof Error ? error.message : String(error)}\n`);
    return 2;
  }
}

function optionsOf(flags: Flags): SimulateOptions {
  const ms = (seconds: number | undefined): number | null =>
    seconds === undefined ? null : Math.round(seconds * 1000);
  return {
    ...flags,
    targets: flags.target,
    seed: flags.seed ?? Date.now().toString(36).slice(-5),
    retry: flags.retry ?? null,
    intervalMs: ms(flags.interval),
    ringMsMean: flags.ring * 1000,
    holdMsMean: flags.hold * 1000,
    sourceAddress: flags.sourceAddress ?? null,
    callIdPrefix: flags.callIdPrefix ?? null,
    restartCallIds: flags.restartCallIds ?? null,
    format: formatOf(flags),
    pauseAtMs: ms(flags.pauseAt),
    pauseForMs: ms(flags.pauseFor),
    downMs: flags.downMs ?? null,
    waitMs: ms(flags.wait),
    toleranceMs: flags.clockToleranceMs,
  };
}

const UNITS = { sending: 'notifications', settling: 'ms at most', reading: 'calls' } as const;

function progressOn(bar: SingleBar | null): Progress {
  let shown: string | null = null;
  return (phase, done, total) => {
    if (bar === null) return;
    const payload = { phase: phase.padEnd(8), unit: UNITS[phase] };
    if (shown !== phase) bar.start(total, 0, payload);
    shown = phase;
    bar.setTotal(total);
    bar.update(done, payload);
  };
}

function number(text: string, least: number, most: number, words: string): number {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (!(value >= least && value <= most)) throw new InvalidArgumentError(`It must be ${words}.`);
  return value;
}

function whole(text: string): number {
  const value = number(text, 1, 1e9, 'a whole number above 0');
  if (!Number.isInteger(value)) throw new InvalidArgumentError('It must be a whole number above 0.');
  return value;
}

function wholeOrNone(text: string): number {
  return text.trim() === '0' ? 0 : whole(text);
}

function positive(text: string): number {
  return number(text, 1e-3, 1e6, 'a number from 0.001 to 1,000,000');
}

function seconds(text: string): number {
  return number(text, 0, 1e6, 'a number of seconds, 0 or more');
}

function share(text: string): number {
  return number(text, 0, 1, 'a share from 0 to 1');
}

function targets(text: string): Target[] {
  return text.split(',').map((part) => {
    const [, host, port] = /^\[?([^[\]]+)\]?:(\d{1,5})$/.exec(part.trim()) ?? [];
    if (host === undefined || Number(port) > 65_535)
      throw new InvalidArgumentError('It must be host:port, or [IPv6]:port.');
    return { host, port: Number(port) };
  });
}
