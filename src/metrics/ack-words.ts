/** The ack objective in sentences an operator can act on. */
import type { AckObjective, RecentAcks } from './ack-objective.js';

/** What is wrong with our acks lately; empty when nothing is. One sentence a source that had late ones. */
export function lateAcks(objective: AckObjective): ReadonlyMap<string, string> {
  const late = [...objective.recent()].filter(([, recent]) => recent.late > 0);
  return new Map(late.map(([label, recent]) => [label, lateSentence(label, recent, objective.settings.intervalMs)]));
}

/** Says that notifications are about to be lost; null while more than INTERVAL is left. */
export function spentBudget(objective: AckObjective, budgetMs: number): string | null {
  if (budgetMs >= Math.min(objective.settings.intervalMs, objective.horizonMs / 2)) return null;
  const age = seconds(objective.horizonMs - budgetMs);
  const left = budgetMs === 0 ? 'its sender has given it up' : `its sender gives it up in ${seconds(budgetMs)}`;
  return `The oldest notification received and not acknowledged is ${age} old: ${left}. Look at PostgreSQL and the queue.`;
}

function lateSentence(label: string, { acks, late, retriesCaused, p99Ms }: RecentAcks, intervalMs: number): string {
  return (
    `${String(late)} of ${String(acks)} acks to ${label} took longer than ${seconds(intervalMs)} in the last minutes and ` +
    `made it try ${String(retriesCaused)} more times (99 % took at most ${seconds(p99Ms ?? 0)}): ` +
    'this host or PostgreSQL is too slow.'
  );
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 1)} s`;
}
