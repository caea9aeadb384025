/** A switch that posts the states of its calls over HTTP, and understands what it is answered. */
import { Agent, request } from 'node:http';
import type { Running } from '../../src/main.js';

/** What a post was answered; `retCode` null when the answer holds none. */
export interface Reply {
  readonly status: number;
  readonly retCode: number | null;
}

/** The type the vendor's manual gives, though the body is JSON. */
const HEADERS = { 'content-type': 'text/html;charset=UTF-8' };

/** Where a switch would be told to post. */
export function postUrl(running: Running, path = 'CallStateReport'): string {
  const { posts } = running.counts();
  if (posts === null) throw new Error('the application takes no posts: set TWIN_PORT');
  return new URL(path, posts.url).href;
}

/** The body of one state of a call, with all that the vendor's manual lists. */
export function stateOf(
  callId: number,
  callState: number,
  eventTime: number,
  over: Record<string, unknown> = {},
): string {
  return JSON.stringify({
    ...{ callId, callState, eventTime, callerE164: '441632960001', calleeE164: '441632960002' },
    ...{ callerGatewayId: 'gw-in', calleeGatewayId: 'gw-out', callerIp: '192.0.2.1', calleeIp: '192.0.2.2' },
    ...{
      callerLocalIp: '192.0.2.9',
      calleeLocalIp: '192.0.2.9',
      transactionId: 't1',
      callIdentifier: `${String(callId)}@sip`,
    },
    ...over,
  });
}

export class Switch {
  private readonly agent: Agent;

  /** @param connections it keeps open at most */
  constructor(
    private readonly url: string,
    connections = 4,
  ) {
    this.agent = new Agent({ keepAlive: true, maxSockets: connections });
  }

  /** Posts a body and resolves with its answer; rejects when the connection is refused or breaks. */
  post(body: string | Uint8Array, headers: Readonly<Record<string, string>> = HEADERS): Promise<Reply> {
    return new Promise((resolve, reject) => {
      const sent = request(this.url, { method: 'POST', agent: this.agent, headers }, (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => (text += chunk));
        response.on('error', reject);
        response.on('end', () => {
          const { retCode = null } = JSON.parse(text === '' ? '{}' : text) as Partial<Reply>;
          resolve({ status: response.statusCode ?? 0, retCode });
        });
      });
      sent.on('error', reject);
      sent.end(body);
    });
  }

  close(): void {
    this.agent.destroy();
  }
}
