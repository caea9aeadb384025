import { seeded } from './random.js';

function draws(seed: string, label: string, count: number): number[] {
  const random = seeded(seed, label);
  return Array.from({ length: count }, () => random.next());
}

describe('seeded chance', () => {
  test('a seed gives the same numbers again, another seed or label gives others', () => {
    expect(draws('7', 'plan', 20)).toEqual(draws('7', 'plan', 20));
    expect(draws('7', 'plan', 20)).not.toEqual(draws('8', 'plan', 20));
    expect(draws('7', 'plan', 20)).not.toEqual(draws('7', 'link', 20));
  });

  test('first draws of neighbouring labels are spread evenly: each notification draws its loss from its own stream', () => {
    const firsts = Array.from({ length: 20_000 }, (_, at) => seeded('s', `in/${String(at)}/0`).next());
    expect(firsts.filter((value) => value < 0.4).length / firsts.length).toBeCloseTo(0.4, 1);
    expect(firsts.reduce((sum, value) => sum + value, 0) / firsts.length).toBeCloseTo(0.5, 1);
    expect(firsts.every((value) => value >= 0 && value < 1)).toBe(true);
  });

  test('seven losses in a row at 40 % come as often as they must', () => {
    const runs = 40_000;
    const lost = Array.from({ length: runs }, (_, at) => seeded('s', `in/${String(at)}/1`)).filter((random) =>
      Array.from({ length: 7 }, () => random.chance(0.4)).every(Boolean),
    ).length;
    const expected = runs * 0.4 ** 7;
    expect(Math.abs(lost - expected)).toBeLessThan(4 * Math.sqrt(expected));
  });

  test('exponential draws have their mean', () => {
    const random = seeded('s', 'exponential');
    const sum = Array.from({ length: 20_000 }, () => random.exponential(30)).reduce((total, value) => total + value, 0);
    expect(sum / 20_000).toBeGreaterThan(29);
    expect(sum / 20_000).toBeLessThan(31);
  });

  test('picking from nothing is a bug, and says so', () => {
    expect(() => seeded('s').pick([])).toThrow('nothing to pick from');
  });
});
