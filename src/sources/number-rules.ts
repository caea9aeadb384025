/**
 * How the numbers of a source are read in E.164: the first rewrite whose pattern is found is applied, then the rest is read as a
 * number of `country`, or as an international one. A number that cannot be one has no E.164 form, and is kept as it came anyway.
 */
import { type CountryCode, isSupportedCountry, parsePhoneNumberFromString } from 'libphonenumber-js';
import type { NumberRules, Rewrite } from './ports.js';

export interface AskedNumberRules {
  readonly country?: string | null | undefined;
  readonly rewrites?: readonly Rewrite[] | null | undefined;
}

interface RuleFault {
  readonly parameter: string;
  readonly reason: string;
}

const REWRITES_MAX = 50;
const PATTERN_MAX = 100;
/** A number has at most 32 characters: with three repetitions a search takes at most some 32^3 steps, well under a ms. */
const REPETITIONS_MAX = 3;
const REPLACEMENT = /^(?:[+\d]|\$[1-9]){0,32}$/;

/** Why a pattern is not taken; null when it is. */
function patternFault(pattern: string): string | null {
  if (pattern === '' || pattern.length > PATTERN_MAX) return `must be 1 to ${String(PATTERN_MAX)} characters`;
  // Classes and escapes hold no syntax; what is left of it is counted.
  const bare = pattern.replace(/\\[^1-9kpPu]/g, '_').replace(/\[[^\]\\]*\]/g, '_');
  if (bare.includes('\\')) return 'may not refer back, nor name classes of characters but \\d';
  if (bare.includes('(?')) return 'may not hold (?';
  if (/\)[*+?{]/.test(bare)) return 'may not repeat a group';
  if ((bare.match(/[*+?{]/g) ?? []).length > REPETITIONS_MAX)
    return `may repeat ${String(REPETITIONS_MAX)} times at most`;
  try {
    new RegExp(pattern);
    return null;
  } catch {
    return 'is no regular expression';
  }
}

/** Rules as an operator asks for them: all that is wrong, or what is stored; nothing asked is null, no rules. */
export function judgeNumberRules(
  asked: AskedNumberRules,
): { readonly ok: true; readonly value: NumberRules | null } | { readonly ok: false; readonly faults: RuleFault[] } {
  const country = asked.country?.toUpperCase() ?? null;
  const rewrites = (asked.rewrites ?? []).map(({ pattern, replacement }) => ({ pattern, replacement }));
  const faults: RuleFault[] = [];
  const fault = (parameter: string, reason: string): void => void faults.push({ parameter, reason });
  if (country !== null && !isSupportedCountry(country)) fault('country', 'is no country of ISO 3166, such as GB');
  if (rewrites.length > REWRITES_MAX) fault('rewrites', `are more than ${String(REWRITES_MAX)}`);
  rewrites.forEach(({ pattern, replacement }, index) => {
    const which = `rewrites[${String(index)}]`;
    const wrong = patternFault(pattern);
    if (wrong !== null) fault(`${which}.pattern`, wrong);
    if (!REPLACEMENT.test(replacement)) fault(`${which}.replacement`, 'must be digits, + and $1 to $9, at most 32');
  });
  if (faults.length > 0) return { ok: false, faults };
  return { ok: true, value: country === null && rewrites.length === 0 ? null : { country, rewrites } };
}

/** A number as received, in E.164 (`+442071234567`); null when the rules make none of it. */
export function e164Of({ country, rewrites }: NumberRules, received: string): string | null {
  const rewrite = rewrites.find(({ pattern }) => new RegExp(pattern).test(received));
  const number = rewrite === undefined ? received : received.replace(new RegExp(rewrite.pattern), rewrite.replacement);
  const read = parsePhoneNumberFromString(number, country === null ? undefined : (country as CountryCode));
  return read?.isPossible() === true ? read.number : null;
}
