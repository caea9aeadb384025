import { Unauthenticated } from '../../access/denied.js';
import { whileGood } from './while-good.js';

test('an answer ends within a second of its key, and nothing is asked more often', async () => {
  let now = 0;
  let asked = 0;
  async function* pieces(): AsyncGenerator<number> {
    for (; ; now += 400) {
      await Promise.resolve();
      yield now;
    }
  }
  const access = {
    demandStill: (): Promise<void> => {
      asked += 1;
      return now > 3_000 ? Promise.reject(new Unauthenticated('revoked')) : Promise.resolve();
    },
  };
  const told: number[] = [];
  const reading = async (): Promise<void> => {
    for await (const at of whileGood(pieces(), access, () => now)) told.push(at);
  };
  await expect(reading()).rejects.toThrow('revoked');
  expect(told.at(-1)).toBe(3_200);
  expect(asked).toBe(3);
});
