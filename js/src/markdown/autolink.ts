/**
 * Autolinks: finds bare URLs, names that begin with "www." and mail addresses, as GitHub does.
 * https://github.github.com/gfm/#autolinks-extension-
 *
 * Takes the place of linkify-it in markdown-it (js/aliases.mjs) and has its interface.
 */

export interface Match {
  schema: string;
  index: number;
  lastIndex: number;
  raw: string;
  text: string;
  url: string;
}

const STARTS =
  /(?<![\p{L}\p{N}_+.-])(?:(https?:|ftp:)\/\/|(mailto:))|(?<![^\s*_~(])(www\.)|(?<![\w.+-])([\w.+-]+@(?:[\w-]+\.)+[\w-]*[a-z0-9](?![\w-]))/giu;
const HOST =
  /(?:\[[0-9a-f:.]+\]|[^\s\p{P}\p{Cc}<>|｜~](?:[^\s\p{P}\p{Cc}<>|｜~]|[.-](?=[^\s\p{P}\p{Cc}<>|｜~]|-))*)(?::\d{1,5}(?!\d))?/iuy;
const PATH = /[/?#][^\s\p{Cc}<>"`|｜]*/uy;
const MAIL = /[\w.!#$%&'*+/=?^`{|}~-]+@[\p{L}\p{N}](?:[\p{L}\p{N}.-]*[\p{L}\p{N}])?/iuy;
const CLOSERS: Record<string, string> = { ")": "(", "]": "[", "}": "{" };
/** A URL that is longer than this is cut there. */
const MAX_URL_CHARS = 10_000;

export class LinkifyIt {
  set(): this {
    return this;
  }

  test(text: string): boolean {
    return /:|www\.|@/i.test(text) && this.match(text) !== null;
  }

  /** Every bare URL in the text, or null if there is none. */
  match(text: string): Match[] | null {
    const found: Match[] = [];
    const starts = new RegExp(STARTS);
    for (let start = starts.exec(text); start !== null; start = starts.exec(text)) {
      const link = matchFrom(text, start);
      if (link === null) continue;
      found.push(link);
      starts.lastIndex = link.lastIndex;
    }
    return found.length > 0 ? found : null;
  }

  /** The bare URL at the very start of the text, or null. */
  matchAtStart(text: string): Match | null {
    const start = new RegExp(STARTS).exec(text.slice(0, 8));
    return start?.index === 0 ? matchFrom(text, start) : null;
  }
}

function matchFrom(text: string, start: RegExpExecArray): Match | null {
  const { index } = start;
  const [whole, scheme, mailto, www, mail] = start;
  const from = index + whole.length;
  const end = mailto ? sticky(MAIL, text, from) : mail ? from : endOfUrl(text, from);
  if (end === null) return null;
  const raw = text.slice(index, end);
  const url = mail ? `mailto:${raw}` : www ? `http://${raw}` : raw;
  const schema = mail ? "mailto:" : (scheme ?? mailto ?? "").toLowerCase();
  return { schema, index, lastIndex: end, raw, text: raw, url };
}

function endOfUrl(text: string, from: number): number | null {
  const host = sticky(HOST, text, from);
  if (host === null) return null;
  const path = sticky(PATH, text, host);
  if (path === null) return host;
  const balanced = balancedEnd(text, host, Math.min(path, from + MAX_URL_CHARS));
  return host + text.slice(host, balanced).replace(/(?:&[a-z0-9]+;|[?!.,:;*_~'"])+$/i, "").length;
}

/**
 * Offset of the first bracket that closes without being opened in the URL itself: "(see
 * https://example.org/a_(b))".
 */
function balancedEnd(text: string, from: number, to: number): number {
  const open: string[] = [];
  for (let at = from; at < to; at += 1) {
    const char = text.charAt(at);
    if ("([{".includes(char)) open.push(char);
    else if (Object.hasOwn(CLOSERS, char) && open.pop() !== CLOSERS[char]) return at;
  }
  return to;
}

function sticky(pattern: RegExp, text: string, at: number): number | null {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : null;
}
