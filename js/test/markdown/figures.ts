/**
 * Campaigns, as tests/campaign.py has them: a sample by default, everything and a line of figures
 * under `make proof`.
 */

import { appendFileSync, mkdirSync } from "node:fs";

/** True under `make proof`. */
export const WHOLE = process.env.NBAGENT_PROOF === "1";

const RESULTS = `${import.meta.dirname}/../../../test-results/`;

/** The cases: all of them under `make proof`, else `count`, evenly spread. */
export function sample<T>(cases: readonly T[], count: number): T[] {
  if (WHOLE || cases.length <= count) return [...cases];
  return Array.from(
    { length: count },
    (_, index) => cases[Math.floor((index * cases.length) / count)] as T,
  );
}

/** Keeps one figure for the table that `tests/campaign.py` prints. */
export function figure(what: string, value: string): void {
  if (!WHOLE) return;
  mkdirSync(RESULTS, { recursive: true });
  appendFileSync(
    `${RESULTS}figures.jsonl`,
    `${JSON.stringify({ campaign: "markdown", what, value })}\n`,
  );
}
