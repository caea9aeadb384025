/** What node's codes mean to an operator. */
const CODES: Readonly<Record<string, string>> = {
  EADDRINUSE:
    'The port is in use: another program, or another Ringledger, listens on it. Stop it, or set HTTP_PORT to another.',
  EADDRNOTAVAIL: 'This machine does not have the address to listen on. Check UDP_HOST and HTTP_HOST.',
  EACCES: 'The operating system refuses access. Check the owner of DATA_DIR; ports below 1024 need a privilege.',
  EEXIST: 'DATA_DIR is a file where a folder belongs.',
  ENOTDIR: 'Something on the way to DATA_DIR is a file where a folder belongs.',
  ENOSPC: 'The disk is full. Make room and start again; nothing acked is lost.',
};

/** An error as a sentence: our own errors are sentences already; the stack is for `LOG_LEVEL=debug`. */
export function plainSentence(error: unknown, level: string | undefined = process.env.LOG_LEVEL): string {
  if (!(error instanceof Error)) return `Stopped by an unknown fault: ${String(error)}`;
  if (level === 'debug' || level === 'trace') return error.stack ?? error.message;
  // Only the system's own errors name the call that failed; ours, such as a UDP port in use, say what to do already.
  const code = 'syscall' in error && 'code' in error && typeof error.code === 'string' ? error.code : '';
  const known = CODES[code];
  // What the system said names the port or the file; ours says what to do.
  return known === undefined ? error.message : `${known} (${error.message})`;
}
