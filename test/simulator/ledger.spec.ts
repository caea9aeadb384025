/** Reading the ledger over real HTTP: a page lost or an error taken for an empty list would judge calls missing that are not. */
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { simulateCommand } from '../../src/cli/simulate.js';
import { Downtime } from '../../src/simulator/downtime.js';
import { Ledger, LedgerUnreadable } from '../../src/simulator/ledger.js';

type Answer = readonly [status: number, body: unknown];

const FEED = { asOf: '2026-03-02T09:00:00.000Z', feed: [] };

function callJson(n: number, callId: string): Record<string, unknown> {
  const nothing = Object.fromEntries(
    ['disposition', 'dispositionBasis', 'callerNumber', 'calleeNumber', 'forwardNumber', 'menuId', 'menuName']
      .concat(['ringingAt', 'ringingAtEarliest', 'answeredAt', 'answeredAtEarliest', 'endedAt', 'endedAtEarliest'])
      .concat([
        'presumedEndedAt',
        'endProvenance',
        'ringMs',
        'ringMsMin',
        'ringMsMax',
        'talkMs',
        'talkMsMin',
        'talkMsMax',
      ])
      .map((name) => [name, null]),
  );
  const firstSeenAt = '2026-03-02T08:59:00.000Z';
  return {
    ...nothing,
    id: `id${String(n)}`,
    source: 's',
    callId,
    state: 'ringing',
    firstSeenAt,
    settled: false,
    notificationCount: 1,
  };
}

/** Serves answers on a free port and tells which paths were asked. */
async function served<T>(answer: (url: URL) => Answer, use: (api: string, asked: string[]) => Promise<T>): Promise<T> {
  const asked: string[] = [];
  const server = createServer((request: IncomingMessage, response) => {
    const url = new URL(request.url ?? '/', 'http://ledger');
    asked.push(url.pathname + url.search);
    const [status, body] = answer(url);
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(typeof body === 'string' ? body : JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    return await use(`http://127.0.0.1:${String((server.address() as AddressInfo).port)}`, asked);
  } finally {
    await new Promise((resolve) => {
      server.close(resolve);
      server.closeAllConnections();
    });
  }
}

function twoPages(url: URL): Answer {
  if (url.pathname === '/api/v1/gaps') return [200, { data: [], page: { nextCursor: null }, ...FEED }];
  if (url.pathname !== '/api/v1/calls') {
    const notifications = [{ serial: '1', state: '180', receivedAt: FEED.asOf, copies: 2 }];
    return [200, { ...callJson(0, 'x'), notifications, gaps: [] }];
  }
  const second = url.searchParams.get('cursor') === 'next';
  const data = second ? [callJson(3, 'run-1-00002')] : [callJson(1, 'run-1-00001'), callJson(2, 'other-1-00001')];
  return [200, { data, page: { nextCursor: second ? null : 'next' }, ...FEED }];
}

describe('reading the ledger', () => {
  test('every page is read, calls of other runs are left out, and each call comes with its timeline', async () => {
    await served(twoPages, async (api, asked) => {
      const reading = await new Ledger(api).read(Date.parse(FEED.asOf) - 1000, 'run-', () => undefined);
      expect(reading.calls.map(({ callId }) => callId).sort()).toEqual(['run-1-00001', 'run-1-00002']);
      expect(reading.calls[0]?.notifications).toEqual([
        { serial: '1', state: '180', receivedAt: Date.parse(FEED.asOf), copies: 2 },
      ]);
      expect(asked.filter((path) => path.startsWith('/api/v1/calls?'))).toHaveLength(2);
      expect(asked).not.toContain('/api/v1/calls/id2');
    });
  });

  test('a ledger that is away for a moment is asked again, never taken for empty', async () => {
    let asks = 0;
    const away = (url: URL): Answer => {
      asks += 1;
      return asks === 1 ? [503, { title: 'Service Unavailable' }] : twoPages(url);
    };
    await served(away, async (api) => {
      expect(await new Ledger(api).unsettled({ sources: [], from: 0 }, 'ended')).toBe(true);
      expect(asks).toBe(2);
    });
  });

  test('only the sources of the run are waited for, as the ledger names their addresses', async () => {
    const sources = [
      { key: 'ivr-1', addresses: ['192.0.2.1', '192.0.2.2'] },
      { key: 'ivr-2', addresses: ['192.0.2.3'] },
    ];
    const empty = (url: URL): Answer => [
      200,
      {
        data: url.pathname.endsWith('/sources') ? sources : [],
        page: { nextCursor: null },
        asOf: '2026-03-02T09:00:00.000Z',
      },
    ];
    await served(empty, async (api, asked) => {
      const ledger = new Ledger(api);
      const keys = await ledger.keysOf(['192.0.2.2', '192.0.2.9']);
      expect(keys).toEqual(['ivr-1']);
      expect(await ledger.unsettled({ sources: [...keys, 'ivr 3'], from: 0 })).toBe(false);
      expect(asked.at(-1)).toMatch(/source=ivr-1&source=ivr\+3&/);
    });
  });

  test.each<[string, Answer, RegExp]>([
    ['a refusal', [400, { errors: [{ parameter: 'state', reason: 'unknown' }] }], /answers 400: .*unknown/],
    ['something else than JSON', [200, '<html>'], /something else than the contract/],
    ['a field of another type', [200, { retry: 'six' }], /contract: retry: /],
  ])('%s is told, not guessed at', async (_title, answer, words) => {
    await served(
      () => answer,
      async (api) => {
        await expect(new Ledger(api).settings()).rejects.toThrow(words);
        await expect(new Ledger(api).settings()).rejects.toBeInstanceOf(LedgerUnreadable);
      },
    );
  });
});

describe('the down time of a receiver', () => {
  async function listening(port: number): Promise<Server> {
    const server = createServer((_request, response) => response.end('{}'));
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    return server;
  }

  function closed(server: Server): Promise<void> {
    return new Promise((resolve) => {
      server.close(() => {
        resolve();
      });
      server.closeAllConnections();
    });
  }

  test('is the time its port refused, give or take the polls; none when it never did', async () => {
    const first = await listening(0);
    const { port } = first.address() as AddressInfo;
    const watch = async (down: () => Promise<void>): Promise<number | null> => {
      const { downMs } = await new Downtime(`http://127.0.0.1:${String(port)}`).during(async () => {
        await sleep(300);
        await down();
        await sleep(600);
      });
      return downMs;
    };
    expect(await watch(() => Promise.resolve())).toBeNull();
    const again: Server[] = [];
    const measured = await watch(async () => {
      await closed(first);
      await sleep(1000);
      again.push(await listening(port));
    });
    await Promise.all(again.map(closed));
    expect(measured).toBeGreaterThan(950);
    expect(measured).toBeLessThan(2200);
  });

  test('is not watched for any longer than a run that fails', async () => {
    await served(
      () => [200, {}],
      async (api, asked) => {
        const run = new Downtime(api).during(async () => {
          await sleep(300);
          throw new Error('the ledger went away');
        });
        await expect(run).rejects.toThrow('the ledger went away');
        expect(asked.length).toBeGreaterThan(0);
        // One question may be under way.
        const most = asked.length + 1;
        await sleep(1000);
        expect(asked.length).toBeLessThanOrEqual(most);
      },
    );
  });
});

describe('ringledger simulate', () => {
  test('without a ledger it could not run: exit code 2 and a sentence', async () => {
    const closed = await served(twoPages, (api) => Promise.resolve(api));
    const written: string[] = [];
    const write = process.stderr.write.bind(process.stderr);
    process.stderr.write = (text: string | Uint8Array) => written.push(String(text)) > 0;
    try {
      await simulateCommand().parseAsync(['node', 'simulate', '--api', closed, '--calls', '1']);
      expect(process.exitCode).toBe(2);
    } finally {
      process.stderr.write = write;
      process.exitCode = undefined;
    }
    expect(written.join('')).toMatch(
      /^simulate could not run: Nobody answers at http:\/\/127\.0\.0\.1:\d+ .*--api\.\n$/,
    );
  });
});
