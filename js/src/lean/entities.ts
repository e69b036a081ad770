/**
 * Stands in for the `entities` package, whose table of names is 18 KB: the browser's own HTML parser knows them all.
 * The document it makes is inert, and only its text is read.
 */

const REFERENCE = /^&[a-z][a-z0-9]{1,31};$/i;
const KNOWN_LIMIT = 4000;
const known = new Map<string, string>();

/** The character an entity reference such as `&auml;` names, or the text itself if it is no such reference. */
export function decodeHTMLStrict(text: string): string {
  if (!REFERENCE.test(text)) return text;
  let decoded = known.get(text);
  if (decoded === undefined) {
    decoded = new DOMParser().parseFromString(`<body>${text}`, "text/html").body.textContent ?? text;
    // HTML also reads a name without its semicolon: `&notit;` is `¬it;` there, but nothing here.
    if (decoded.length > 1 && decoded.endsWith(";")) decoded = text;
    if (known.size >= KNOWN_LIMIT) known.clear();
    known.set(text, decoded);
  }
  return decoded;
}
