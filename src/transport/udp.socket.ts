/** One bound UDP socket: the only user of `node:dgram`. Server and client are built on it. */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { isIP } from 'node:net';
import { networkInterfaces, platform } from 'node:os';
import { isNativeError } from 'node:util/types';
import type { UdpSocketReport } from './udp.events.js';

export interface UdpSocketOptions {
  /** An IPv4 or IPv6 address of this host; `0.0.0.0` and `::` stand for all of one family and may be bound together. */
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly receiveBufferBytes: number;
}

/** A socket that could not be bound; the message is a sentence that says what to change. `code` is the system's. */
export class UdpBindError extends Error {
  constructor(
    message: string,
    readonly code: string,
    cause?: unknown,
  ) {
    super(message, { cause });
    this.name = 'UdpBindError';
  }
}

export class UdpSocket {
  private closing: Promise<void> | null = null;

  private constructor(
    private readonly socket: Socket,
    readonly report: UdpSocketReport,
    /** The receive buffer as the kernel accounts it, its own overhead included. */
    readonly kernelBufferBytes: number,
  ) {}

  /** Binds. Rejects with `UdpBindError`. */
  static async bind(options: UdpSocketOptions): Promise<UdpSocket> {
    const version = isIP(options.host);
    if (version === 0) {
      throw new UdpBindError('UDP_HOST holds something that is not an IPv4 or IPv6 address.', 'ENOTADDRESS');
    }
    const socket = createSocket({
      type: version === 6 ? 'udp6' : 'udp4',
      // `::` would otherwise take the IPv4 port too, and `0.0.0.0` beside it would fail.
      ipv6Only: version === 6,
      // Addresses only, never names: answering at once saves each ack a trip through the resolver queue.
      lookup: (address, _options, callback) => {
        callback(null, address, isIP(address));
      },
    });
    try {
      await bound(socket, options);
    } catch (error) {
      socket.close();
      throw bindError(error, options);
    }
    const { address, port } = socket.address();
    const buffer = receiveBuffer(socket, options.receiveBufferBytes);
    const warnings = [...bufferWarning(options.receiveBufferBytes, buffer.granted), ...wildcardWarning(address)];
    const report: UdpSocketReport = {
      address,
      port,
      receiveBufferAskedBytes: options.receiveBufferBytes,
      receiveBufferGrantedBytes: buffer.granted,
      warnings,
    };
    return new UdpSocket(socket, report, buffer.kernel);
  }

  /**
   * Begins to read. Call it in the same turn of the event loop as `bind` settles (straight after the `await`):
   * nothing is read from the kernel before that turn ends, so nothing is missed.
   */
  receive(onDatagram: (bytes: Uint8Array, from: RemoteInfo) => void, onError: (error: Error) => void): void {
    this.socket.on('message', onDatagram);
    this.socket.on('error', onError);
  }

  /** Sends one datagram; `done` is told the error, or null once the operating system has taken it. Never throws. */
  send(bytes: Uint8Array, port: number, address: string, done: (error: Error | null) => void): void {
    try {
      this.socket.send(bytes, port, address, done);
    } catch (error) {
      // A closed socket, or port 0 in a forged sender: Node throws where it could call back.
      done(isNativeError(error) ? error : new Error(String(error)));
    }
  }

  /** Frees the port. Idempotent. */
  close(): Promise<void> {
    this.closing ??= new Promise((resolve) => {
      this.socket.close(resolve);
    });
    return this.closing;
  }
}

function bound(socket: Socket, options: UdpSocketOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.bind({ address: options.host, port: options.port }, () => {
      socket.removeListener('error', reject);
      resolve();
    });
  });
}

function bindError(error: unknown, { host, port }: UdpSocketOptions): UdpBindError {
  const code = isNativeError(error) && 'code' in error ? String(error.code) : 'unknown';
  return new UdpBindError(bindSentence(code, host, String(port)), code, error);
}

function bindSentence(code: string, host: string, port: string): string {
  switch (code) {
    case 'EADDRINUSE':
      return `UDP port ${port} on ${host} is in use by another program. Stop it, or set IVR_CALL_REPORT_PORT to a free port here and on the IVR.`;
    case 'EACCES':
    case 'EPERM':
      return `UDP port ${port} on ${host} needs a privilege this user lacks. Set IVR_CALL_REPORT_PORT to one above 1023 here and on the IVR.`;
    case 'EADDRNOTAVAIL':
    case 'EAFNOSUPPORT':
    case 'EINVAL':
      return `This host has no address ${host}. Set UDP_HOST to addresses it has.`;
    default:
      return `UDP port ${port} on ${host} cannot be opened (${code}). Check UDP_HOST and IVR_CALL_REPORT_PORT.`;
  }
}

/** Asks for a buffer and reads back what was granted. Linux reports twice what it granted (socket(7), SO_RCVBUF). */
function receiveBuffer(socket: Socket, askedBytes: number): { granted: number; kernel: number } {
  try {
    socket.setRecvBufferSize(askedBytes);
  } catch {
    // Systems that refuse instead of capping keep their default, which is read back below.
  }
  const kernel = socket.getRecvBufferSize();
  return { granted: platform() === 'linux' ? Math.floor(kernel / 2) : kernel, kernel };
}

function bufferWarning(askedBytes: number, grantedBytes: number): string[] {
  if (grantedBytes >= askedBytes) return [];
  return [
    // In KiB, since the log masks long runs of digits.
    `The kernel granted a receive buffer of ${kib(grantedBytes)} instead of ${kib(askedBytes)}: raise net.core.rmem_max ` +
      `(sysctl -w net.core.rmem_max=$((${String(Math.ceil(askedBytes / 1024))}*1024))), or bursts are lost before they are read.`,
  ];
}

function kib(bytes: number): string {
  return `${String(Math.ceil(bytes / 1024))} KiB`;
}

/** On a wildcard socket the routing table picks the address an ack leaves from, and an IVR may ignore another one's. */
function wildcardWarning(address: string): string[] {
  if (address !== '0.0.0.0' && address !== '::') return [];
  const family = address === '::' ? 'IPv6' : 'IPv4';
  const own = Object.values(networkInterfaces())
    .flatMap((interfaces) => interfaces ?? [])
    .filter((one) => one.family === family && !one.internal && !one.address.startsWith('fe80:'));
  if (own.length < 2) return [];
  return [
    `${address} is bound and this host has ${String(own.length)} ${family} addresses: acks may leave from another one ` +
      `than the IVR asked. Set UDP_HOST to the address the IVR sends to.`,
  ];
}
