/**
 * Stands in for `mdurl` and `punycode.js` (7 KB): what markdown-it asks of them is to escape a URL, and to write its host in ASCII,
 * which the browser does by itself. A host that is written in ASCII is shown so: nothing can look like another host.
 */

interface Url {
  protocol?: string | undefined;
  slashes?: boolean;
  auth?: string | undefined;
  hostname?: string | undefined;
  /** All that follows the host, or the whole of a URL that has none. */
  pathname: string;
}

const HOSTED = /^(?:(https?:)\/\/|(mailto:))(?:([^/?#]*)@)?(\[[\d:a-f.]+\]|[^\s/?#:%@;'"<>`{}|\\^[\]]+)(.*)$/is;

export function parse(text: string): Url {
  const url = text.trim();
  const found = HOSTED.exec(url);
  if (!found) return { pathname: url };
  const [, web, mail, auth, hostname, pathname = ""] = found;
  return { protocol: web ?? mail, slashes: web !== undefined, auth, hostname, pathname };
}

export function format({ protocol = "", slashes, auth, hostname = "", pathname }: Url): string {
  return `${protocol}${slashes ? "//" : ""}${auth === undefined ? "" : `${auth}@`}${hostname}${pathname}`;
}

/** Escapes what must not stand in a URL, and nothing twice. The brackets of an IPv6 address stay. */
export function encode(text: string): string {
  if (/^\[[\d:a-f.]+\]$/i.test(text)) return text;
  return text.replace(/%[\da-f]{2}|[\ud800-\udbff][\udc00-\udfff]|[^\w;/?:@&=+$,\-.!~*'()#]/gi, (found) =>
    found.length === 3 ? found : encodeURIComponent(/^[\ud800-\udfff]$/.test(found) ? "\ufffd" : found),
  );
}

/** Shows what was escaped, except for the characters that would then mean something else. */
export function decode(text: string): string {
  return text.replace(/(?:%[\da-f]{2})+/gi, (escaped) => {
    const bytes = escaped.slice(1).split("%");
    const shown = new TextDecoder().decode(Uint8Array.from(bytes, (byte) => Number.parseInt(byte, 16)));
    return shown.replace(/[;/?:@&=+$,#%]/g, encodeURIComponent);
  });
}
decode.defaultChars = "";

export default {
  toASCII: (host: string) => (/[^\0-\x7f]/.test(host) ? new URL(`http://${host}`).hostname : host),
  toUnicode: (host: string) => host,
};
