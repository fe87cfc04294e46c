/** What the page derives of the shapes on the wire. */
import { SEVERITIES, SEVERITY_FROM } from './wire.ts';
import type { Feature, History, PageVerdict, Severity } from './wire.ts';

/** Low, middle, high. */
export type Band = NonNullable<Feature['expected']>;
export type Column = History['max_score'];

export interface Page<T> extends Omit<PageVerdict, 'items'> {
  items: T[];
}

export function severityOf(score: number): Severity {
  return SEVERITIES.findLast((severity) => score >= SEVERITY_FROM[severity]) ?? 'low';
}
