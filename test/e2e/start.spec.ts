/** A start that fails half way: guards against a receiver that goes on in a process that says it could not start. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { jest } from '@jest/globals';
import { parseConfig } from '../../src/config.js';
import { run } from '../../src/main.js';
import { Database } from '../../src/store/database.js';
import { type TestDatabase, testDatabase, testPool } from '../support/database.js';

let database: TestDatabase;
let taken: Server;

beforeAll(async () => {
  database = await testDatabase();
  taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
});

afterAll(async () => {
  taken.close();
  await database.close();
});

async function freeUdpPort(): Promise<number> {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  socket.close();
  await once(socket, 'close');
  return port;
}

test('an HTTP port in use stops the receiving that had begun, and frees its port', async () => {
  const reportPort = await freeUdpPort();
  const { port: httpPort } = taken.address() as AddressInfo;
  const config = parseConfig({ UDP_HOST: '127.0.0.1', LOG_LEVEL: 'fatal', LOG_FORMAT: 'json' });
  await expect(run({ ...config, reportPort, httpPort, databaseUrl: database.url })).rejects.toThrow('EADDRINUSE');
  const pool = testPool(database);
  const { rows } = await pool.query('select stopped_at is not null as stopped from receiver');
  await pool.end();
  expect(rows).toEqual([{ stopped: true }]);
  const socket = createSocket('udp4');
  socket.bind(reportPort, '127.0.0.1');
  await once(socket, 'listening');
  socket.close();
});

test('a wrong allow-list starts nothing that goes on', async () => {
  const config = parseConfig({ UDP_HOST: '127.0.0.1', LOG_LEVEL: 'fatal', LOG_FORMAT: 'json' });
  const wrong = { ...config, udpAllowedSources: '10.0.0.0/99', reportPort: 0, httpPort: 0 };
  await expect(run({ ...wrong, databaseUrl: database.url })).rejects.toThrow('UDP_ALLOWED_SOURCES entry 1');
});

test('a dump under way does not keep it from starting, though no day has a partition yet', async () => {
  const own = await testDatabase();
  const pool = testPool(own);
  const dump = await pool.connect();
  await dump.query('begin; lock table notification, call_change in access share mode');
  const config = parseConfig({ UDP_HOST: '127.0.0.1', LOG_LEVEL: 'fatal', LOG_FORMAT: 'json' });
  try {
    const running = await run({ ...config, reportPort: 0, httpPort: 0, databaseUrl: own.url });
    await running.stop();
  } finally {
    dump.release(true);
    await pool.end();
    await own.close();
  }
});

test('what fails while a start that failed is undone is not told instead of why it failed', async () => {
  const { port: httpPort } = taken.address() as AddressInfo;
  const config = parseConfig({ UDP_HOST: '127.0.0.1', LOG_LEVEL: 'fatal', LOG_FORMAT: 'json' });
  const broken = jest.spyOn(Database.prototype, 'disconnect').mockImplementation(async function (this: Database) {
    await this.client.$disconnect();
    throw new Error('disconnect failed');
  });
  try {
    const started = run({ ...config, reportPort: 0, httpPort, databaseUrl: database.url });
    await expect(started).rejects.toThrow('EADDRINUSE');
    expect(broken).toHaveBeenCalledTimes(2);
  } finally {
    broken.mockRestore();
  }
});
