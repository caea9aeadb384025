/** A row of an export: what PostgreSQL is asked for, and how a line is made of it. */
import { CALL } from '../contract.js';
import { type Field, snakeCase } from '../field.js';
import { allSimpleSql, type Cell, CELLS, csvText } from './cells.js';
import type { Column, ExportFormat } from './contract.js';
import { zonedText } from './zoned.js';

/** A row of a cursor: every value as PostgreSQL prints it. */
export type Printed = readonly (string | null)[];

export interface LineOptions {
  readonly format: ExportFormat;
  readonly columns: readonly Column[];
  readonly zone: string;
  /** Fields that PostgreSQL gives raw, and what is shown of them; those of masked numbers. */
  readonly masks: ReadonlyMap<Column, (text: string) => string>;
}

export interface Lines {
  /** Expressions to select, of which a line is made; a line needs no other. */
  readonly selected: readonly string[];
  readonly line: (row: Printed) => string;
}

/** What is done to a value that comes as it is stored; null: PostgreSQL has written it. */
type Finish = ((printed: string) => string) | null;

/**
 * Neighbouring columns that PostgreSQL writes come as one value, separators and names of JSON included: each value more costs
 * the driver as much as its text does.
 */
export function linesOf({ format, columns, zone, masks }: LineOptions): Lines {
  const csv = format === 'csv';
  const time = zonedText(zone);
  const finishOf = (name: Column): Finish => {
    const mask = masks.get(name);
    if (mask !== undefined) return csv ? (text) => csvText(mask(text)) : (text) => JSON.stringify(mask(text));
    if (CALL[name].kind !== 'instant') return null;
    return csv ? time : (printed) => `"${time(printed)}"`;
  };
  const selected: string[] = [];
  const finishes: Finish[] = [];
  let run: Cell[] = [];
  const endRun = (): void => {
    if (run.length === 0) return;
    selected.push(runSql(format, run));
    finishes.push(null);
    run = [];
  };
  columns.forEach((name, index) => {
    const field: Field = CALL[name];
    const column = field.sql ?? snakeCase(name);
    run.push(...before(csv, name, index).map(literal));
    const finish = finishOf(name);
    if (finish === null) {
      // What the rules of a source make of a number is digits.
      run.push(CELLS[format](name.endsWith('E164') ? { kind: 'enum' } : field, column));
      return;
    }
    endRun();
    selected.push(column);
    finishes.push(finish);
  });
  if (!csv) run.push(literal(`'}'`));
  endRun();
  return { selected, line: lineMaker(finishes, csv ? '' : 'null', csv ? '\r\n' : '\n') };
}

function literal(sql: string): Cell {
  return { simple: sql, careful: sql, text: null };
}

/** Cells of one value: simply where all their texts are simple. */
function runSql(format: ExportFormat, run: readonly Cell[]): string {
  const texts = run.flatMap(({ text }) => text ?? []);
  const careful = `concat(${run.map((cell) => cell.careful).join(', ')})`;
  if (texts.length === 0) return careful;
  const simple = `concat(${run.map((cell) => cell.simple).join(', ')})`;
  return `case when ${allSimpleSql(format, texts)} then ${simple} else ${careful} end`;
}

/** What stands before a column, as literals of SQL. */
function before(csv: boolean, name: Column, index: number): readonly string[] {
  if (csv) return index === 0 ? [] : [`','`];
  return [`'${index === 0 ? '{' : ','}"${name}":'`];
}

function lineMaker(finishes: readonly Finish[], unknown: string, end: string): (row: Printed) => string {
  return (row) => {
    let line = '';
    finishes.forEach((finish, index) => {
      const printed = row[index] ?? null;
      if (printed === null) line += unknown;
      else line += finish === null ? printed : finish(printed);
    });
    return line + end;
  };
}

/** The first line of CSV. */
export function csvHeader(columns: readonly Column[]): string {
  return `${columns.join(',')}\r\n`;
}
