#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { plainSentence } from './plain.js';

/** The command whose code is needed is imported, and no other: `--help` answers without loading Nest, Prisma or PostgreSQL. */
const COMMANDS: Readonly<Record<string, { readonly description: string; readonly load: () => Promise<Command> }>> = {
  start: {
    description: 'Receive, keep and answer for call states (what npm start runs).',
    load: async () => (await import('./start.js')).startCommand(),
  },
  migrate: {
    description: 'Bring the database to the schema of this version.',
    load: async () => (await import('./migrate.js')).migrateCommand(),
  },
  rebuild: {
    description: 'Rebuild the records from the raw notifications.',
    load: async () => (await import('./rebuild.js')).rebuildCommand(),
  },
  keys: {
    description: 'Make, list and revoke keys for REST and GraphQL.',
    load: async () => (await import('./keys.js')).keysCommand(),
  },
  bi: {
    description: 'Let BI tools read schema bi of the database.',
    load: async () => (await import('./bi.js')).biCommand(),
  },
  seed: {
    description: 'Fill an empty ledger with made-up calls, to try reports and queries on.',
    load: async () => (await import('./seed.js')).seedCommand(),
  },
  simulate: {
    description: 'Play an IVR over UDP, then judge whether the ledger tells the truth.',
    load: async () => (await import('./simulate.js')).simulateCommand(),
  },
  'send-sample': {
    description: 'Send one call as an IVR would, and show what is answered.',
    load: async () => (await import('./send-sample.js')).sendSampleCommand(),
  },
  inspect: {
    description: 'Show what arrived lately: bytes, text, every way to read it, copies and acks.',
    load: async () => (await import('./inspect.js')).inspectCommand(),
  },
  calibrate: {
    description: 'Try a codec on what could not be read, save it, read it again; find the ack an IVR likes.',
    load: async () => (await import('./calibrate.js')).calibrateCommand(),
  },
  export: {
    description: 'Write calls to a file, CSV or NDJSON.',
    load: async () => (await import('./export.js')).exportCommand(),
  },
  doctor: {
    description: 'Check what stands between an IVR and the ledger, with what to do about it.',
    load: async () => (await import('./doctor.js')).doctorCommand(),
  },
};

async function buildProgram(asked: string | undefined): Promise<Command> {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  const program = new Command('ringledger')
    .description('The durable ledger of VOS3000 IVR call states.')
    .version(version)
    .showHelpAfterError('(ringledger --help lists the commands)');
  for (const [name, { description, load }] of Object.entries(COMMANDS)) {
    if (name === asked) program.addCommand(await load());
    else program.command(name).description(description);
  }
  return program;
}

try {
  const arguments_ = process.argv.slice(2);
  // `help start` wants the options of start as well.
  const asked = arguments_.find((argument) => !argument.startsWith('-') && argument !== 'help');
  await (await buildProgram(asked)).parseAsync();
} catch (error) {
  console.error(plainSentence(error));
  process.exitCode = 1;
}
