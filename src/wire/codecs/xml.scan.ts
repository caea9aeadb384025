/** Scans the little XML an IVR could write: a declaration, one element, attributes, and child elements that hold text. */
import { failure } from '../reading.js';
import type { ParseFailure } from '../reading.js';

/** An attribute of the root, or a child of it; `from` to `to` is all of it, tags or quotes included. */
export interface XmlItem {
  readonly name: string;
  /** Its text, predefined entities resolved. */
  readonly value: string;
  readonly isAttribute: boolean;
  readonly from: number;
  readonly to: number;
}

export interface XmlDocument {
  /** What the declaration says; null when it says nothing. */
  readonly encoding: string | null;
  /** Where the declaration or else the root begins, and where the name in the root's start tag ends. */
  readonly from: number;
  readonly nameTo: number;
  /** Attributes, then children, in order. */
  readonly items: readonly XmlItem[];
  /** The root's end tag; null where it has none (`<a/>`). */
  readonly end: { readonly from: number; readonly to: number } | null;
}

const BLANK = String.raw`[ \t\r\n]*`;
/** Wider than XML's names beyond ASCII, where no key of ours lies: with property classes a report takes half as long again. */
const NAME = String.raw`[A-Za-z_:\x80-\uffff][A-Za-z0-9_:.\-\x80-\uffff]*`;
/** A quoted value; neither it nor text may hold `<`, and `&` only begins an entity. */
const QUOTED = String.raw`"[^"<]*"|'[^'<]*'`;

const DECLARATION = new RegExp(
  `<\\?xml[ \\t\\r\\n]+version${BLANK}=${BLANK}(?:"1\\.[01]"|'1\\.[01]')` +
    `(?:[ \\t\\r\\n]+encoding${BLANK}=${BLANK}(?:"([A-Za-z0-9._-]+)"|'([A-Za-z0-9._-]+)'))?` +
    `(?:[ \\t\\r\\n]+standalone${BLANK}=${BLANK}(?:"(?:yes|no)"|'(?:yes|no)'))?${BLANK}\\?>`,
  'y',
);
const BLANKS = new RegExp(BLANK, 'y');
const START = new RegExp(`<(${NAME})`, 'y');
const ATTRIBUTE = new RegExp(`([ \\t\\r\\n]+)(${NAME})${BLANK}=${BLANK}(${QUOTED})`, 'y');
const START_END = new RegExp(`${BLANK}(/?>)`, 'y');
const CHILD = new RegExp(`<(${NAME})${BLANK}(?:/>|>([^<]*)</(${NAME})${BLANK}>)`, 'y');
const END = new RegExp(`</(${NAME})${BLANK}>`, 'y');
const ENTITIES: ReadonlyMap<string, string> = new Map([
  ['&amp;', '&'],
  ['&lt;', '<'],
  ['&gt;', '>'],
  ['&quot;', '"'],
  ['&apos;', "'"],
]);
const ENTITY = /&(?:amp|lt|gt|quot|apos);/gu;

/** What lies in a document, or a failure with `syntax`. Linear in the length of the text. */
export function scanXml(text: string): XmlDocument | ParseFailure {
  const from = skip(text, 0);
  const declaration = match(DECLARATION, text, from);
  const rootFrom = declaration === null ? from : skip(text, from + declaration[0].length);
  const start = match(START, text, rootFrom);
  if (start === null) {
    return refused(text, rootFrom);
  }
  const nameTo = rootFrom + start[0].length;
  const items: XmlItem[] = [];
  const opened = scanAttributes(text, nameTo, items);
  if (typeof opened !== 'object' || 'ok' in opened) {
    return opened;
  }
  const children = opened.isEmpty ? { end: null, to: opened.to } : scanChildren(text, opened.to, start[1] ?? '', items);
  if ('ok' in children) {
    return children;
  }
  if (skip(text, children.to) !== text.length) {
    return failure('syntax', 'something after the root element');
  }
  const encoding = declaration?.[1] ?? declaration?.[2] ?? null;
  return { encoding, from, nameTo, items, end: children.end };
}

function scanAttributes(
  text: string,
  nameTo: number,
  items: XmlItem[],
): { readonly isEmpty: boolean; readonly to: number } | ParseFailure {
  let at = nameTo;
  for (let found = match(ATTRIBUTE, text, at); found !== null; found = match(ATTRIBUTE, text, at)) {
    const [whole, blank = '', name = '', quoted = ''] = found;
    const value = resolved(quoted.slice(1, -1));
    if (value === null) {
      return failure('syntax', 'an entity or character reference that is none of the five predefined');
    }
    items.push({ name, value, isAttribute: true, from: at + blank.length, to: at + whole.length });
    at += whole.length;
  }
  const end = match(START_END, text, at);
  return end === null ? refused(text, at) : { isEmpty: end[1] === '/>', to: at + end[0].length };
}

function scanChildren(
  text: string,
  from: number,
  root: string,
  items: XmlItem[],
): { readonly end: { readonly from: number; readonly to: number }; readonly to: number } | ParseFailure {
  let at = skip(text, from);
  for (let found = match(CHILD, text, at); found !== null; found = match(CHILD, text, at)) {
    const [whole, name = '', raw = '', closes = name] = found;
    const value = resolved(raw);
    if (closes !== name) {
      return failure('syntax', 'an element is closed by another name');
    }
    if (value === null) {
      return failure('syntax', 'an entity or character reference that is none of the five predefined');
    }
    items.push({ name, value, isAttribute: false, from: at, to: at + whole.length });
    at = skip(text, at + whole.length);
  }
  const end = match(END, text, at);
  if (end === null) {
    return refused(text, at);
  }
  const to = at + end[0].length;
  return end[1] === root ? { end: { from: at, to }, to } : failure('syntax', 'the root is closed by another name');
}

/** Why nothing of the grammar stands here, as far as it can be told. */
function refused(text: string, at: number): ParseFailure {
  const known: readonly (readonly [string, string])[] = [
    ['<!DOCTYPE', 'a document type, which is refused'],
    ['<![CDATA[', 'a CDATA section, which is refused'],
    ['<!--', 'a comment, which is refused'],
    ['<?', 'a processing instruction, which is refused'],
  ];
  const inside = text.slice(at);
  const [, why] = known.find(([mark]) => inside.startsWith(mark) || nextTag(inside).startsWith(mark)) ?? [];
  return failure('syntax', why ?? `no flat XML element: stopped at character ${String(at)}`);
}

/** What stands where the first child's text ends. */
function nextTag(inside: string): string {
  const next = inside.indexOf('<', 1);
  return next === -1 ? '' : inside.slice(next);
}

/** Text with its entities resolved; null when it holds another `&`. */
function resolved(raw: string): string | null {
  if (!raw.includes('&')) {
    return raw;
  }
  return raw.replace(ENTITY, '').includes('&') ? null : raw.replace(ENTITY, (entity) => ENTITIES.get(entity) ?? entity);
}

function match(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(text);
}

function skip(text: string, at: number): number {
  return at + (match(BLANKS, text, at)?.[0].length ?? 0);
}
