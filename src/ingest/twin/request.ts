/** One HTTP request: its path, its body within bounds; and why a port could not be opened. */
import type { IncomingMessage } from 'node:http';
import { isNativeError } from 'node:util/types';

/** The last part of a path, without query or a slash at its end: what stands before it is the switch's own business. */
export function lastPart(url: string): string {
  const [whole = ''] = url.split(/[?#]/, 1);
  const path = whole.endsWith('/') ? whole.slice(0, -1) : whole;
  return path.slice(path.lastIndexOf('/') + 1);
}

/** A body as far as it was read. */
export interface ReadBody {
  readonly body: Uint8Array;
  /** It is longer than `bytesMax`: these are its first bytes. */
  readonly oversized: boolean;
  /** How long it is, as its header says; of one that is sent in chunks, as far as it was read. */
  readonly length: number;
}

/** What a column can hold: a header may claim more. */
const LENGTH_MAX = 2 ** 31 - 1;

/** Reads a body of at most `bytesMax` bytes; null when the sender breaks off or the server gives up waiting for it. */
export function readBody(request: IncomingMessage, bytesMax: number): Promise<ReadBody | null> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let length = 0;
    request.on('data', (chunk: Buffer) => {
      // What follows a body too long is read and forgotten, so that the sender can come to read its answer.
      if (length > bytesMax) return;
      chunks.push(chunk);
      length += chunk.length;
      if (length <= bytesMax) return;
      const declared = Number(request.headers['content-length'] ?? 0);
      const whole = Math.min(Math.max(length, declared), LENGTH_MAX);
      resolve({ body: Buffer.concat(chunks, bytesMax), oversized: true, length: whole });
    });
    request.on('end', () => resolve({ body: Buffer.concat(chunks), oversized: false, length }));
    request.on('error', () => resolve(null));
    request.on('close', () => resolve(null));
  });
}

/** What an operator is told when the port cannot be opened. */
export function bindSentence(error: unknown, host: string, port: number): string {
  const code = isNativeError(error) && 'code' in error ? String(error.code) : 'unknown';
  const where = `TCP port ${String(port)} on ${host}`;
  switch (code) {
    case 'EADDRINUSE':
      return `${where} is in use by another program. Stop it, or set TWIN_PORT to a free port here and in OUT_POST_URL.`;
    case 'EACCES':
    case 'EPERM':
      return `${where} needs a privilege this user lacks. Set TWIN_PORT to one above 1023.`;
    case 'EADDRNOTAVAIL':
    case 'EAFNOSUPPORT':
    case 'EINVAL':
      return `This host has no address ${host}. Set TWIN_HOST to one it has.`;
    default:
      return `${where} cannot be opened (${code}). Check TWIN_HOST and TWIN_PORT.`;
  }
}
