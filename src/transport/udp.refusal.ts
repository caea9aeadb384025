/** Whether a port is closed. A socket that is not connected is never told: what ICMP says reaches connected ones alone. */
import { createSocket } from 'node:dgram';
import { isIPv6 } from 'node:net';

export interface RefusalOptions {
  readonly host: string;
  readonly port: number;
  readonly localHost: string;
  /** What is sent: a port says nothing before something comes. */
  readonly bytes: Uint8Array;
  readonly waitMs: number;
}

/** Sends from a socket of its own and listens for a refusal. False where none came, which a firewall too makes of it. */
export function isPortRefused({ host, port, localHost, bytes, waitMs }: RefusalOptions): Promise<boolean> {
  const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4');
  return new Promise<boolean>((resolve) => {
    const timer = setTimeout(() => {
      resolve(false);
    }, waitMs);
    const done = (refused: boolean): void => {
      clearTimeout(timer);
      resolve(refused);
    };
    socket.on('error', (error) => {
      done('code' in error && error.code === 'ECONNREFUSED');
    });
    socket.on('message', () => {
      done(false);
    });
    socket.bind({ address: localHost, port: 0 }, () => {
      socket.connect(port, host, () => {
        socket.send(bytes);
      });
    });
  }).finally(() => {
    socket.close();
  });
}
