/**
 * The traffic of the benchmark: calls that ring, are answered in three of five cases, and end. Many are open at once, so
 * that the notifications of one call lie far apart, as they do on a switch.
 */

/** One notification on the wire, delimited by commas. */
export interface Outgoing {
  /** What the ack will be. */
  readonly ack: string;
  readonly payload: Buffer;
  readonly call: OpenCall;
}

interface OpenCall {
  readonly id: string;
  readonly states: readonly string[];
  sent: number;
}

const ANSWERED = ['Ringing(180)', 'OK', 'Bye'];
const NOT_ANSWERED = ['Ringing(180)', 'Bye'];

export class Traffic {
  private readonly ready: OpenCall[] = [];
  private head = 0;
  private opened = 0;

  /** @param run makes the Call IDs of this run its own */
  constructor(
    private readonly run: string,
    openCalls: number,
  ) {
    for (let index = 0; index < openCalls; index++) this.ready.push(this.open());
  }

  /** The next notification of the call that has waited longest; null when every open call waits for an ack. */
  next(): Outgoing | null {
    const call = this.ready[this.head];
    if (call === undefined) return null;
    this.head += 1;
    if (this.head > 65_536) {
      this.ready.splice(0, this.head);
      this.head = 0;
    }
    const state = call.states[call.sent] ?? 'Bye';
    call.sent += 1;
    const serial = String(call.sent);
    const payload = Buffer.from(`${call.id},${serial},${state},442071234567,442079876543,1001,7,Main menu`);
    return { ack: `${call.id},${serial}`, payload, call };
  }

  /** The call goes on once its notification was acked; one that ended makes room for another. */
  acked({ call }: Outgoing): void {
    this.ready.push(call.sent < call.states.length ? call : this.open());
  }

  private open(): OpenCall {
    this.opened += 1;
    const states = this.opened % 5 < 3 ? ANSWERED : NOT_ANSWERED;
    return { id: `${this.run}-${this.opened.toString(36)}@ivr`, states, sent: 0 };
  }
}
