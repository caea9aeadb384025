import { readFileSync } from 'node:fs';

/** Reads the arguments the Prisma CLI gives its engine. `command` is null when it is to serve requests. */
export function readOptions(argv) {
  const values = (name) => argv.flatMap((argument, index) => (argument === name ? [argv[index + 1]] : []));
  const cli = argv.indexOf('cli');
  return {
    version: argv.includes('--version'),
    command: cli === -1 ? null : argv[cli + 1],
    url: JSON.parse(values('--datasource')[0] ?? '{}').url ?? '',
    datamodels: values('--datamodels').map((file) => [file, readFileSync(file, 'utf8')]),
  };
}
