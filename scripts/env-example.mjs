/** Writes `.env.example` from the table the program reads its configuration by; a test fails when the two differ. */
import { writeFileSync } from 'node:fs';
import { renderEnvExample } from '../dist/config.keys.js';

writeFileSync(new URL('../.env.example', import.meta.url), renderEnvExample());
