/**
 * HTML's named character references, decoded by the browser, which has the table.
 *
 * Takes the place of the package `entities` in markdown-it (js/aliases.mjs) and has its interface.
 */

/** UTF-16 units of the longest decoded reference. */
const LONGEST = 2;

/** References decoded so far; at most one entry for each of HTML's 2,125 names. */
const known = new Map<string, string>();

/**
 * Decode a named character reference.
 *
 * @param reference - `&`, a name of letters and digits, `;`.
 * @returns the character, or the reference itself if HTML has no such name.
 */
export function decodeHTMLStrict(reference: string): string {
  const decoded = known.get(reference) ?? parse(reference);
  // A browser also decodes `&notit;` as `¬it;`, for the sake of old pages.
  if (decoded.length > LONGEST) return reference;
  known.set(reference, decoded);
  return decoded;
}

function parse(reference: string): string {
  // A blank is kept in the body alone.
  const { body } = new DOMParser().parseFromString(`<body>${reference}`, "text/html");
  return body.textContent;
}
