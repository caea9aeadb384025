/** How an IVR that is played writes, as options of a command: the codec with its options, and what no setting of a source says. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { ACK_TERMINATORS, type AckTerminator, TERMINATOR_BYTES } from '../wire/ack.js';
import { CHARSETS, type Charset, type Shape } from '../wire/codec.js';
import { KEY_SPELLINGS, type KeySpelling, type WireFormat } from '../wire/encode.js';
import { NOTATIONS, readNotation } from '../wire/settings/notation.js';

/** What commander makes of the options. */
export interface FormatFlags {
  readonly codec: Shape;
  readonly charset: Charset;
  readonly terminator: AckTerminator;
  readonly keys: KeySpelling;
  readonly attributes?: true;
  readonly padding: 'blank' | 'nul';
}

export function addFormatOptions(command: Command): void {
  const spellings = Object.keys(KEY_SPELLINGS);
  command
    .addOption(new Option('--codec <codec>', NOTATIONS).argParser(codec).default(codec('delimited:,'), 'delimited:,'))
    .addOption(new Option('--charset <name>', 'character set').choices(CHARSETS).default('utf-8'))
    .addOption(new Option('--terminator <name>', 'what ends a datagram').choices(ACK_TERMINATORS).default('none'))
    .addOption(
      new Option('--keys <spelling>', 'keys of key_value, json and xml').choices(spellings).default('documented'),
    )
    .option('--attributes', 'xml: fields are attributes of one element and not elements in it')
    .addOption(
      new Option('--padding <with>', 'fixed: what fills a column up').choices(['blank', 'nul']).default('blank'),
    );
}

/** The format those options ask for. */
export function formatOf({ codec: shape, charset, terminator, keys, attributes, padding }: FormatFlags): WireFormat {
  const end = TERMINATOR_BYTES[terminator];
  return { ...shape, charset, terminator: end, keys, padding, ...(attributes === undefined ? {} : { attributes }) };
}

/** The charset is an option of its own, and changes nothing of the rest. */
function codec(text: string): Shape {
  const read = readNotation(text, 'utf-8');
  if (!read.ok) throw new InvalidArgumentError(`${read.reason.charAt(0).toUpperCase()}${read.reason.slice(1)}.`);
  const { charset: _charset, ...shape } = read.settings;
  return shape;
}
