/**
 * The seeded simulation (laws 1-6): WORLDS seeds from FIRST_SEED on, each a world of its own (world.ts). A world that
 * fails names its seed: `FIRST_SEED=<seed> WORLDS=1` replays it.
 */
import { JUDGED, runWorld } from './world.js';

const FIRST = Number(process.env.FIRST_SEED ?? 1);
const COUNT = Number(process.env.WORLDS ?? 200);

test(`${String(COUNT)} seeded worlds from seed ${String(FIRST)} tell the truth`, async () => {
  const faults: string[] = [];
  for (let seed = FIRST; seed < FIRST + COUNT; seed++) {
    const { judgements, world } = await runWorld(seed);
    for (const [place, judgement] of judgements.entries()) {
      const broken = judgement.lines.filter((line) => !line.ok && (JUDGED as readonly string[]).includes(line.key));
      const source = world.sources[place];
      faults.push(
        ...broken.map((line) => {
          const about = `${source?.serial ?? ''} in ${String(source?.lossIn)} back ${String(source?.lossBack)} downs ${String(world.downs.length)}`;
          return `seed ${String(seed)} source ${String(place)} (${about}): ${line.title} ${String(line.value)}: ${line.examples.join('; ')}`;
        }),
      );
    }
  }
  expect(faults).toEqual([]);
}, 600_000);
