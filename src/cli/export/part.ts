/**
 * A file that grows by whole segments and knows how far it is, in a second file beside it:
 *
 * calls.csv.part        what has come
 * calls.csv.part.json   how many bytes of it are whole, and the cursor to go on after them
 *
 * A segment is synced before the second file names it, and the second file is replaced in one step: whenever we are killed, the
 * bytes it names are there, and what stands behind them is cut off. At the end the first takes its name and the second goes.
 */
import { type FileHandle, open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { z } from 'zod';

const place = z.object({
  /** What was asked, in a form that compares. */
  asked: z.string(),
  cursor: z.string().nullable(),
  rows: z.number(),
  bytes: z.number(),
});
export type Place = z.output<typeof place>;

export class Part {
  private constructor(
    private readonly path: string,
    private readonly file: FileHandle,
    private at: Place,
  ) {}

  /** Begins anew. */
  static async begin(path: string, asked: string): Promise<Part> {
    const at = { asked, cursor: null, rows: 0, bytes: 0 };
    await rm(`${path}.part.json`, { force: true });
    return new Part(path, await open(`${path}.part`, 'w'), at);
  }

  /**
   * Goes on where an export to this file was cut off; null when there is none.
   * @throws Error in words: it was asked something else
   */
  static async resume(path: string, asked: string): Promise<Part | null> {
    const text = await readFile(`${path}.part.json`, 'utf8').catch(() => null);
    if (text === null) return null;
    const at = place.parse(JSON.parse(text));
    if (at.asked !== asked) {
      throw new Error(`${path}.part was begun with other options: give the same ones, or begin anew without --resume.`);
    }
    // Nothing but a header has come: it would come again.
    if (at.cursor === null) return null;
    const file = await open(`${path}.part`, 'r+');
    await file.truncate(at.bytes);
    return new Part(path, file, at);
  }

  get place(): Place {
    return this.at;
  }

  /** Adds a segment. */
  async add(bytes: Uint8Array, rows: number, cursor: string | null): Promise<void> {
    for (let done = 0; done < bytes.length;) {
      const { bytesWritten } = await this.file.write(bytes, done, bytes.length - done, this.at.bytes + done);
      done += bytesWritten;
    }
    await this.file.datasync();
    this.at = { ...this.at, cursor, rows, bytes: this.at.bytes + bytes.length };
    const beside = `${this.path}.part.json`;
    await writeFile(`${beside}.new`, JSON.stringify(this.at));
    await rename(`${beside}.new`, beside);
  }

  /** It is whole. */
  async finish(): Promise<void> {
    await this.file.close();
    await rename(`${this.path}.part`, this.path);
    await rm(`${this.path}.part.json`, { force: true });
  }

  /** It stays as it is, to be gone on with. */
  async leave(): Promise<void> {
    await this.file.close();
  }
}
