/** What hides customers' numbers in free text; apart from the logger, whose pino takes a while to load. */

/**
 * Runs of digits this long may be somebody's number; the shortest national numbers have 7. Ports and counts are shorter. A
 * uuid, by which failures are looked up, is none: one in seven would lose digits.
 */
const NUMBER = /\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b|\+?\d{7,}/gi;
/** Digits left of a masked number: the country and the end, enough to tell two apart. At least five are always hidden. */
const SHOWN_FIRST = 4;
const SHOWN_LAST = 2;
const HIDDEN_MIN = 5;
const HIDDEN = '*'.repeat(HIDDEN_MIN);

/** Masks what may be a telephone number: `+442071234512` is `+4420*****12`, however many digits are hidden. */
export function masked(text: string): string {
  return text.replace(NUMBER, (run) => {
    if (run.includes('-')) return run;
    const plus = run.startsWith('+') ? '+' : '';
    const digits = run.slice(plus.length);
    const first = Math.min(SHOWN_FIRST, digits.length - HIDDEN_MIN - SHOWN_LAST);
    return `${plus}${digits.slice(0, first)}${HIDDEN}${digits.slice(-SHOWN_LAST)}`;
  });
}
