import { lossyLink, type Link, type LinkOptions } from './link.js';
import { seeded } from './random.js';

const CLEAR: LinkOptions = { lossIn: 0, lossBack: 0, duplicate: 0, reorder: 0, reorderMsMax: 100, cut: null };

function linkWith(options: Partial<LinkOptions>): Link {
  return lossyLink({ ...CLEAR, ...options }, seeded('s', 'in'), seeded('s', 'back'));
}

function passages(link: Link, count: number): (readonly number[])[] {
  return Array.from({ length: count }, () => link.towards(0));
}

describe('the link', () => {
  test('a clear link passes everything once and at once', () => {
    const link = linkWith({});
    expect(link.towards(0)).toEqual([0]);
    expect(link.back(0)).toEqual([0]);
  });

  test('loss is of its own direction', () => {
    const link = linkWith({ lossIn: 1 });
    expect(link.towards(0)).toEqual([]);
    expect(link.back(0)).toEqual([0]);
  });

  test('a share is lost, doubled and held back as asked', () => {
    expect(passages(linkWith({ lossIn: 0.4 }), 5000).filter(({ length }) => length === 0).length / 5000).toBeCloseTo(
      0.4,
      1,
    );
    expect(passages(linkWith({ duplicate: 0.2 }), 5000).filter(({ length }) => length === 2).length / 5000).toBeCloseTo(
      0.2,
      1,
    );
    const delays = passages(linkWith({ reorder: 0.3 }), 5000).flat();
    expect(delays.filter((delay) => delay > 0).length / 5000).toBeCloseTo(0.3, 1);
    expect(Math.max(...delays)).toBeLessThan(100);
  });

  test('a cut link passes nothing either way in its span, and all before and after', () => {
    const link = linkWith({ cut: { fromMs: 100, toMs: 200 } });
    expect([99, 100, 199, 200].map((at) => link.towards(at).length)).toEqual([1, 0, 0, 1]);
    expect([99, 100, 199, 200].map((at) => link.back(at).length)).toEqual([1, 0, 0, 1]);
  });
});
