/** Cuts the text of an export at its marks: what stands before a mark is whole, and can be gone on after. */
import { z } from 'zod';

const markLine = z.object({ rows: z.number(), cursor: z.string().nullable(), end: z.boolean() });

/** Where an export is, counted from where this transfer began. */
export type Mark = z.output<typeof markLine>;

export interface Segment {
  readonly bytes: Buffer;
  readonly mark: Mark;
}

const NEWLINE = 0x0a;

export class Segments {
  private readonly token: Buffer;
  private parts: Buffer[] = [];
  /** What may be the begin of a token, or of a line of a mark that has not come whole. */
  private carry: Buffer = Buffer.alloc(0);

  /** @param token random text that the export was asked to begin its marks with: nothing else in it can be the same */
  constructor(token: string) {
    this.token = Buffer.from(`${token} `);
  }

  /** Takes what came, however it was cut, and gives the segments that are whole now. */
  push(chunk: Uint8Array): readonly Segment[] {
    const found: Segment[] = [];
    let text = Buffer.concat([this.carry, chunk]);
    for (;;) {
      const at = text.indexOf(this.token);
      const end = at < 0 ? -1 : text.indexOf(NEWLINE, at);
      if (end < 0) {
        const kept = at < 0 ? Math.max(0, text.length - this.token.length) : at;
        this.parts.push(text.subarray(0, kept));
        this.carry = text.subarray(kept);
        return found;
      }
      const mark = markLine.parse(JSON.parse(text.toString('utf8', at + this.token.length, end)));
      found.push({ bytes: Buffer.concat([...this.parts, text.subarray(0, at)]), mark });
      this.parts = [];
      text = text.subarray(end + 1);
    }
  }
}
