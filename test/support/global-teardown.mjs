import { clear } from './global-setup.mjs';

/** Leaves no process and no file of the run behind. */
export default async function tearDown() {
  if (process.env.RINGLEDGER_TEST_FOLDER !== undefined) await clear(process.env.RINGLEDGER_TEST_FOLDER);
}
