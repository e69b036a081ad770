/**
 * Helpers of the Markdown tests: corpora, a canonical form of DOM, and the oracle that maps a
 * spec's HTML to ours.
 */

import { vi } from "vitest";
import { MarkdownView } from "../../src/markdown";

export interface Example {
  example: number;
  section: string;
  markdown: string;
  html: string;
}

const files = import.meta.glob<unknown>("../../../tests/corpora/{markdown,xss,urls}/*.json", {
  eager: true,
  import: "default",
});

export function corpus<T>(path: string): T {
  const found = files[`../../../tests/corpora/${path}`];
  if (found === undefined) throw new Error(`no corpus ${path}`);
  return found as T;
}

/** A view whose lazy parts never come. */
export function plainView(): MarkdownView {
  return new MarkdownView({ loadModule: () => new Promise(() => {}) });
}

/** Draws a text that comes in these pieces. */
export function drawn(...pieces: string[]): HTMLElement {
  const view = plainView();
  for (const piece of pieces) view.append(piece);
  view.finish();
  return view.node;
}

/** Stops the clock: parsing then costs no time, so that a view draws after every piece. */
export function stopClock(): void {
  vi.useFakeTimers({ toFake: ["performance", "setTimeout", "clearTimeout"] });
}

/** Repeatable random numbers in [0, 1). */
export function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Cuts a text into pieces of 1 to `most` UTF-16 units. */
export function cut(text: string, most: number, next: () => number): string[] {
  const pieces: string[] = [];
  for (let at = 0; at < text.length; ) {
    const size = 1 + Math.floor(next() * most);
    pieces.push(text.slice(at, at + size));
    at += size;
  }
  return pieces;
}

const BLOCKS = new Set(
  "address blockquote div h1 h2 h3 h4 h5 h6 hr li ol ul p pre table thead tbody tr th td body section".split(
    " ",
  ),
);

/**
 * DOM as a string in which only what a reader gets counts: no white space between blocks, no
 * wrappers and no labels of ours.
 */
export function canonical(root: Node): string {
  return [...root.childNodes].map(canonicalNode).join("");
}

function canonicalNode(node: ChildNode): string {
  if (node.nodeType === Node.TEXT_NODE) return canonicalText(node as Text);
  if (!(node instanceof Element)) return "";
  if (node.matches("div.nb-table")) return canonical(node);
  if (node.matches("div.nb-code")) {
    const pre = node.querySelector("pre");
    return pre ? canonicalNode(pre) : "[code block without pre]";
  }
  const tag = node.localName;
  const attrs = [...node.attributes]
    .filter(
      ({ name, value }) =>
        !["target", "rel", "aria-label"].includes(name) &&
        !(name === "class" && /^nb-|^$/.test(value)),
    )
    .map(({ name, value }) =>
      name === "style" ? `align=${value.replace(/text-align:\s*|;/g, "")}` : `${name}=${value}`,
    )
    .sort();
  return `<${[tag, ...attrs].join(" ")}>${canonical(node)}</${tag}>`;
}

function canonicalText(text: Text): string {
  let data = text.data;
  if (text.parentElement?.closest("pre")) return data;
  const besideBlock = (node: Node | null) => node instanceof Element && BLOCKS.has(node.localName);
  const inBlock = !text.parentElement || BLOCKS.has(text.parentElement.localName);
  if (besideBlock(text.previousSibling) || (!text.previousSibling && inBlock))
    data = data.trimStart();
  if (besideBlock(text.nextSibling) || (!text.nextSibling && inBlock)) data = data.trimEnd();
  const afterBreak =
    text.previousSibling instanceof Element && text.previousSibling.localName === "br";
  return afterBreak ? data.replace(/^\n/, "") : data;
}

/**
 * The DOM that we owe for a specification's HTML: pictures as links, links that may not be followed
 * as text.
 */
export function owed(html: string): string {
  const body = document.createElement("body"); // in this document: jsdom takes milliseconds to make another
  body.innerHTML = html;
  for (const picture of [...body.querySelectorAll("img")]) {
    const src = picture.getAttribute("src") ?? "";
    const alt = picture.getAttribute("alt") ?? "";
    const allowed = followable(src) && !picture.closest("a");
    const shown = document.createElement(allowed ? "a" : "span");
    shown.textContent = `image: ${alt ? `${alt} ` : ""}(${followable(src) ? new URL(src).host : src})`;
    if (allowed) {
      shown.setAttribute("href", src);
      if (picture.title) shown.title = picture.title;
    }
    picture.replaceWith(shown);
  }
  for (const link of [...body.querySelectorAll("a")]) {
    const href = link.getAttribute("href") ?? "";
    if (followable(href)) continue;
    if (href !== "" && link.textContent !== href) link.append(` (${href})`);
    link.replaceWith(...link.childNodes);
  }
  for (const deleted of [...body.querySelectorAll("del")]) {
    const struck = document.createElement("s");
    struck.append(...deleted.childNodes);
    deleted.replaceWith(struck);
  }
  body.normalize();
  return canonical(body);
}

// No user name and no percent-encoding in the host: both disguise where a link leads.
function followable(href: string): boolean {
  return (
    /^(?:https?:\/\/[^\s@%/?#]+(?:[/?#][^\s]*)?|mailto:[^\s]+)$/i.test(href) && URL.canParse(href)
  );
}
