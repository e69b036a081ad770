/** The address at which the reader signs in, found in what an asker sent. */

import { safeUrl } from "../markdown/url";
import { record } from "../values";

const NAMES = /^(?:url|uri|link)$|auth.*ur[il]|ur[il].*auth|verification|sign.?in|log.?in/i;
const MAX_VALUES = 1000;

/**
 * Return the first address that may be followed: one whose name says that it is for signing in,
 * else any, else one in the prompt.
 */
export function signInUrl(args: unknown, prompt: string | null): string | null {
  const found: [string, string][] = [];
  const rest: [string, unknown][] = [["", args]];
  for (let seen = 0; rest.length > 0 && seen < MAX_VALUES; seen += 1) {
    const [name, value] = rest.shift() ?? ["", null];
    if (typeof value === "string") {
      const url = safeUrl(value);
      if (url !== null) found.push([name, url]);
    } else if (Array.isArray(value))
      rest.push(...value.slice(0, MAX_VALUES).map((item): [string, unknown] => [name, item]));
    else rest.push(...Object.entries(record(value) ?? {}).slice(0, MAX_VALUES));
  }
  const named = found.find(([name]) => NAMES.test(name)) ?? found[0];
  if (named) return named[1];
  const written = /https?:\/\/[^\s<>"')\]]+/i.exec(prompt ?? "");
  return written && safeUrl(written[0].replace(/[.,;:!?]+$/, ""));
}
