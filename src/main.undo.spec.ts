import { type Step, undone, undoneAfterFault } from './main.undo.js';

let done: string[];
let told: string[];
const tell = (fault: unknown): void => void told.push(String(fault));

/** The database, a step that fails, another, and the port, in the order they were opened. */
function steps(): Step[] {
  const named = (name: string, fails: boolean) => async (): Promise<void> => {
    await Promise.resolve();
    done.push(name);
    if (fails) throw new Error(`${name} failed`);
  };
  const atOnce = (): Promise<void> => {
    done.push('spool');
    throw new Error('spool failed');
  };
  return [named('database', false), named('sockets', true), atOnce, named('port', false)];
}

beforeEach(() => {
  done = [];
  told = [];
});

test('every step is taken back, the last first, whichever fail; the first fault is thrown and the others are told', async () => {
  await expect(undone(steps(), tell)).rejects.toThrow('spool failed');
  expect(done).toEqual(['port', 'spool', 'sockets', 'database']);
  expect(told).toEqual(['Error: sockets failed']);
});

test('where a start has failed nothing is thrown over its reason, and every fault is told', async () => {
  await undoneAfterFault(steps(), tell);
  expect(done).toHaveLength(4);
  expect(told).toHaveLength(2);
});
