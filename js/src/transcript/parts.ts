/** Values in several parts in one MIME bundle: `image/png;part=2` (nbagent/mime/parts.py). */

import type { JsonObject } from "../values";

const PART = /^([^;]+);part=(\d+)$/;

/** The bundle of each part, in order; empty for a bundle of one value. */
export function partsOf(bundle: JsonObject): JsonObject[] {
  const parts = new Map<number, Record<string, unknown>>();
  for (const [key, payload] of Object.entries(bundle)) {
    const [, mime, number] = PART.exec(key) ?? [];
    if (mime === undefined) continue;
    const part = parts.get(Number(number)) ?? {};
    part[mime] = payload;
    parts.set(Number(number), part);
  }
  return [...parts].sort(([left], [right]) => left - right).map(([, part]) => part);
}
