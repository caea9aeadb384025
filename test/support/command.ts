/** A command of the CLI, run in this process: what it printed and the exit code it set. */
import type { Command } from 'commander';

export interface CommandRun {
  readonly output: string;
  readonly exitCode: number;
}

/** Runs a command with arguments as a shell would give them. One at a time: standard output is the process's. */
export async function runCommand(command: Command, ...words: readonly string[]): Promise<CommandRun> {
  const written: string[] = [];
  const write = process.stdout.write.bind(process.stdout);
  process.stdout.write = (text: string | Uint8Array): boolean => {
    written.push(String(text));
    return true;
  };
  const before = process.exitCode;
  process.exitCode = 0;
  try {
    await command.parseAsync([...words], { from: 'user' });
    return { output: written.join(''), exitCode: process.exitCode };
  } finally {
    process.exitCode = before;
    process.stdout.write = write;
  }
}
