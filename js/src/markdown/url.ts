// What a URL from untrusted text may do: http, https and mailto may be followed; small raster data images may be shown.

// C0 and C1 controls, soft hyphen, zero-width and bidirectional marks, line separators, byte order mark.
const INVISIBLE =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters to refuse
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/gu;
const SHOWABLE_IMAGE = /^data:image\/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/]+={0,2}$/i;
const MAX_IMAGE_CHARS = 1_000_000;

/**
 * Returns the URL if following it is safe, else null.
 *
 * Absolute http(s) and mailto URLs pass. Refused: other schemes, relative URLs, URLs with a user name (they disguise
 * the host) and URLs with control, invisible or direction-changing characters, plain or percent-encoded in the host.
 */
export function safeUrl(raw: string): string | null {
  const url = raw.trim();
  if (!/^(?:https?:\/\/|mailto:)/i.test(url) || hasInvisible(url) || /[\s\\]/.test(url)) return null;
  try {
    const parsed = new URL(url);
    if (parsed.protocol === "mailto:") return url;
    if (parsed.username || parsed.password || !parsed.hostname) return null;
    const authority = /^https?:\/\/([^/?#]*)/i.exec(url)?.[1] ?? "";
    return authority.includes("@") || /%/.test(authority) ? null : url;
  } catch {
    return null;
  }
}

/** Returns the URL if it is a raster image held in the URL itself and small enough, else null. */
export function inlineImage(raw: string): string | null {
  const url = raw.trim();
  return url.length < MAX_IMAGE_CHARS && SHOWABLE_IMAGE.test(url) ? url : null;
}

/** The URL as text for a reader: shortened, and with every character that would not be seen written out. */
export function visibleUrl(raw: string): string {
  const short = raw.length > 200 ? `${raw.slice(0, 200)}…` : raw;
  return short.replace(INVISIBLE, (char) => encodeURIComponent(char));
}

/** The host a URL leads to, for a label. */
export function hostOf(url: string): string {
  try {
    return new URL(url).host || "mail";
  } catch {
    return visibleUrl(url);
  }
}

function hasInvisible(text: string): boolean {
  INVISIBLE.lastIndex = 0;
  return INVISIBLE.test(text);
}

/** Attributes of every link that leaves the page. */
export const LINK_ATTRS = { target: "_blank", rel: "noopener noreferrer nofollow" } as const;
