/** What PostgreSQL does for the questions of a benchmark: which are slowest and why, and which read a large table whole. */
import type { Prisma, PrismaClient } from '../src/generated/prisma/client.js';
import type { Reads } from '../src/query/sql.js';

interface Statement {
  readonly sql: string;
  readonly values: readonly unknown[];
}

interface Seen {
  readonly name: string;
  readonly statements: readonly Statement[];
  readonly ms: number;
}

interface Node {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly Plans?: readonly Node[];
}

/** Tables that grow with history; a scan of one of them reads all of it. */
const LARGE = /^(call_settled|call_evidence|notification_\d+|call_change_\d+)$/;

export class Watched {
  private readonly seen: Seen[] = [];

  constructor(private readonly prisma: PrismaClient) {}

  /** A door to the database that remembers what goes through it, until `done` is told how long the question took. */
  begin(name: string): { readonly reads: Reads; readonly done: (ms: number) => void } {
    const statements = new Map<string, Statement>();
    const queryRaw = (statement: Prisma.Sql): unknown => {
      statements.set(statement.text, { sql: statement.text, values: statement.values });
      return this.prisma.$queryRaw(statement);
    };
    return {
      reads: { $queryRaw: queryRaw as Reads['$queryRaw'] },
      done: (ms) => this.seen.push({ name, statements: [...statements.values()], ms }),
    };
  }

  /** Questions about a day, and those whose plan holds a sequential scan of a large table. */
  async tellSequential(day: { readonly from: string }): Promise<void> {
    const faults: string[] = [];
    for (const { name, statements } of this.seen) {
      if (!name.includes(day.from) && !/day|{id}|active/.test(name)) continue;
      for (const { sql, values } of statements) {
        if (sql.includes('explain')) continue;
        const [row] = await this.prisma.$queryRawUnsafe<{ 'QUERY PLAN': [{ Plan: Node }] }[]>(
          `explain (format json) ${sql}`,
          ...values,
        );
        const scanned = row === undefined ? [] : scans(row['QUERY PLAN'][0].Plan);
        if (scanned.length > 0) faults.push(`${name}: ${scanned.join(', ')}`);
      }
    }
    console.log(`\nSequential scans of a large table for a period of a day: ${faults.join('; ') || 'none'}.`);
  }

  /** EXPLAIN of the slowest questions. */
  async tellSlowest(most: number): Promise<void> {
    const slowest = [...this.seen].sort((a, b) => b.ms - a.ms).slice(0, most);
    for (const { name, statements, ms } of slowest) {
      console.log(`\n### ${name}: p50 ${ms.toFixed(1)} ms`);
      for (const { sql, values } of statements) {
        if (sql.includes('explain')) continue;
        const plan = await this.prisma.$queryRawUnsafe<{ 'QUERY PLAN': string }[]>(
          `explain (analyze, buffers, costs off) ${sql}`,
          ...values,
        );
        console.log(`\n\`\`\`\n${plan.map((line) => line['QUERY PLAN']).join('\n')}\n\`\`\``);
      }
    }
  }
}

function scans(node: Node): readonly string[] {
  const relation = node['Relation Name'] ?? '';
  const own = node['Node Type'].endsWith('Seq Scan') && LARGE.test(relation) ? [relation] : [];
  return [...own, ...(node.Plans ?? []).flatMap(scans)];
}
