/** What every table of figures says of where it comes from. */
import { cpus, release } from 'node:os';

export function machine(): string {
  const [cpu] = cpus();
  const cores = `${String(cpus().length)} x ${cpu?.model.trim() ?? 'unknown'}`;
  return `${new Date().toISOString().slice(0, 10)}, ${cores}, Linux ${release()}, Node ${process.version}, embedded PostgreSQL`;
}

export function whole(value: number): string {
  return Math.round(value).toLocaleString('en');
}
