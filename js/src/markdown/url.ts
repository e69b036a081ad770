/**
 * URLs from untrusted text: http, https and mailto may be followed; small raster data images may be
 * shown.
 */

import { characters, image, link } from "../../../nbagent/protocol/markup.json";
import { LIMITS } from "../shared";

const FOLLOWED = new RegExp(`^(?:${link.prefixes.replaceAll(" ", "|")})`, "i");
const INVISIBLE = new RegExp(`[${characters.invisible}]`, "gu");
const SHOWABLE_IMAGE = new RegExp(
  `^data:image/(?:${image.types.replaceAll(" ", "|")});base64,[A-Za-z0-9+/]+={0,2}$`,
  "i",
);

/**
 * Return the URL if following it is safe, else null.
 *
 * Absolute http(s) and mailto URLs pass. Refused: other schemes, relative URLs, URLs with a user
 * name (they disguise the host) and URLs with control, invisible or direction-changing characters,
 * plain or percent-encoded in the host.
 */
export function safeUrl(raw: string): string | null {
  const url = raw.trim();
  if (!FOLLOWED.test(url) || hasInvisible(url) || /[\s\\]/.test(url)) return null;
  try {
    const parsed = new URL(url);
    if (parsed.protocol === "mailto:") return url;
    if (parsed.username || parsed.password || !parsed.hostname) return null;
    const authority = /^https?:\/\/([^/?#]*)/i.exec(url)?.[1] ?? "";
    // A browser skips further slashes, so that an empty authority leads to what looks like a path.
    return authority === "" || /[@%]/.test(authority) ? null : url;
  } catch {
    return null;
  }
}

/** Return the URL if it is a raster image held in the URL itself and small enough, else null. */
export function inlineImage(raw: string): string | null {
  const url = raw.trim();
  return url.length < LIMITS.inline_image_chars && SHOWABLE_IMAGE.test(url) ? url : null;
}

/** URL as text: shortened, with invisible characters percent-encoded. */
export function visibleUrl(raw: string): string {
  const most = LIMITS.shown_url_chars;
  const short = raw.length > most ? `${raw.slice(0, most)}…` : raw;
  return short.replace(INVISIBLE, (char) => encodeURIComponent(char));
}

/** Host of a URL, for a label. */
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
export const LINK_ATTRS = { target: link.target, rel: link.rel };
