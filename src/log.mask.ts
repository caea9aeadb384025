/** What hides customers' numbers, in free text and alone; apart from the logger, whose pino takes a while to load. */

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

/** Masks what may be a telephone number in a text. */
export function masked(text: string): string {
  return text.replace(NUMBER, (run) => (run.includes('-') ? run : maskedNumber(run)));
}

/**
 * Masks one number: `+442071234512` is `+4420*****12`, however many digits are hidden. Of fewer than 8 digits the country is
 * not shown, of fewer than 7 nothing is, not even how many there are. The signs of service codes (`#31#`) are no digits and are
 * left out. A word without digits (`anonymous`) is no number.
 */
export function maskedNumber(number: string): string {
  if (!/\d/.test(number)) return number;
  const plus = number.startsWith('+') ? '+' : '';
  const digits = number.replace(/\D/g, '');
  const spare = digits.length - HIDDEN_MIN - SHOWN_LAST;
  if (spare < 0) return `${plus}${HIDDEN}`;
  return `${plus}${digits.slice(0, Math.min(SHOWN_FIRST, spare))}${HIDDEN}${digits.slice(-SHOWN_LAST)}`;
}
