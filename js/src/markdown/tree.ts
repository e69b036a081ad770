/** Tree of the wanted DOM, built from tokens. Nothing here touches the DOM itself. */

import { prose, visible } from "../readable";
import { LIMITS } from "../shared";
import { grammar, type MathEnd, type Token } from "./grammar";
import { hostOf, inlineImage, LINK_ATTRS, safeUrl, visibleUrl } from "./url";

/** An element of the wanted tree. */
export interface Elem {
  kind: "elem";
  tag: string;
  attrs: Record<string, string>;
  kids: Tree[];
}

/** A code block. `closed` is false while its text may still grow. */
export interface CodeSpec {
  kind: "code";
  text: string;
  lang: string;
  closed: boolean;
}

/** A formula. `ready` is false while its TeX may still grow. */
export interface MathSpec {
  kind: "math";
  tex: string;
  display: boolean;
  ready: boolean;
}

/** A node of the wanted DOM: a text, an element, or a node that draws itself. */
export type Tree = string | Elem | CodeSpec | MathSpec;

/** The state of the end of a text that is still being written. */
export interface Growing {
  /** The inline token that ends in a half-written formula. */
  halfMath?: Token | undefined;
  /** The fence that is not closed yet. */
  openFence?: Token | undefined;
  /** True while a math block at the end of the text may still be closed. */
  openMath: boolean;
}

/** Build the wanted tree of block tokens: one entry for each block. */
export function buildTree(tokens: Token[], growing: Growing): Tree[] {
  const root = elem("root");
  const stack: Elem[] = [root];
  for (const token of tokens) {
    const top = stack[stack.length - 1] ?? root;
    if (token.type === "inline") {
      if (token.meta?.task !== undefined) top.kids.push(taskBox(token.meta.task === true), " ");
      addInlines(top, token.children ?? [], growing.halfMath === token);
    } else if (token.nesting > 0) {
      if (!token.hidden) stack.push(openElement(token));
      // Tight list items have no paragraph elements; their text is directly in the item.
    } else if (token.nesting < 0) {
      if (!token.hidden) closeElement(stack);
    } else {
      const leaf = leafBlock(token, growing);
      if (leaf) top.kids.push(leaf);
    }
  }
  return root.kids;
}

function openElement(token: Token): Elem {
  const node = elem(token.tag);
  const start = token.attrGet("start");
  if (start !== null) node.attrs.start = String(start);
  const style = token.attrGet("style");
  if (style !== null) node.attrs.style = String(style);
  return node;
}

function closeElement(stack: Elem[]): void {
  const node = stack.pop();
  const parent = stack[stack.length - 1];
  if (!node || !parent) return;
  if (node.tag === "li" && hasTaskBox(node)) node.attrs.class = "nb-task";
  if (node.tag === "ol") makeRoom(node);
  parent.kids.push(node.tag === "table" ? elem("div", { class: "nb-table" }, [node]) : node);
}

/**
 * Have the style sheet make room for a list's longest number: a browser draws it left of the item,
 * where it would be cut off.
 */
function makeRoom(list: Elem): void {
  const last = Number(list.attrs.start ?? 1) + list.kids.length - 1;
  const digits = String(last).length;
  if (digits > 2) list.attrs.class = `nb-digits-${digits > 4 ? 9 : digits}`;
}

function leafBlock(token: Token, growing: Growing): Tree | null {
  switch (token.type) {
    case "hr":
      return elem("hr");
    case "code_block":
      return { kind: "code", text: token.content, lang: "", closed: true };
    case "fence": {
      const lang = /^\s*(\S*)/.exec(grammar.utils.unescapeAll(token.info))?.[1] ?? "";
      return { kind: "code", text: token.content, lang, closed: token !== growing.openFence };
    }
    case "math_block": {
      const ended = token.meta?.ended as MathEnd;
      const open = ended === "eof" && growing.openMath;
      // The first character of a closing delimiter is no TeX.
      const tex = open ? token.content.replace(/[\\$]$/, "") : token.content;
      if (ended === "closed" || open) return { kind: "math", tex, display: true, ready: !open };
      return elem("p", {}, [token.markup]);
    }
    default:
      return null;
  }
}

function addInlines(parent: Elem, tokens: Token[], halfMath: boolean): void {
  const stack: Elem[] = [parent];
  const last = tokens.length - 1;
  // Elements below the depth limit are left out; their content is drawn.
  let tooDeep = 0;
  let links = 0;
  tokens.forEach((token, index) => {
    const top = stack[stack.length - 1] ?? parent;
    if (token.nesting > 0) {
      if (stack.length >= LIMITS.markdown_depth) tooDeep++;
      else stack.push(elem(token.tag, linkTarget(token)));
      if (token.tag === "a") links++;
    } else if (token.nesting < 0) {
      if (token.tag === "a") links--;
      if (tooDeep > 0) tooDeep--;
      else if (stack.length > 1) {
        stack.pop();
        addAll(stack[stack.length - 1] ?? parent, token.tag === "a" ? link(top) : [top]);
      }
    } else {
      const leaf = leafInline(token, !(halfMath && index === last));
      addAll(top, [links > 0 ? unlinked(leaf) : leaf]);
    }
  });
}

function leafInline(token: Token, ready: boolean): Tree {
  switch (token.type) {
    case "code_inline":
      return elem("code", {}, [visible(token.content)]);
    case "softbreak":
      return "\n";
    case "hardbreak":
      return elem("br");
    case "image":
      return image(String(token.attrGet("src") ?? ""), plainText(token.children), title(token));
    case "math":
      return { kind: "math", tex: token.content, display: token.meta?.display === true, ready };
    default:
      return prose(token.content);
  }
}

// HTML allows no link in a link.
function unlinked(tree: Tree): Tree {
  if (typeof tree === "string" || tree.kind !== "elem" || tree.tag !== "a") return tree;
  return elem("span", { class: "nb-image" }, tree.kids);
}

function linkTarget(token: Token): Record<string, string> {
  if (token.tag !== "a") return {};
  const href = String(token.attrGet("href") ?? "");
  return { href, ...title(token) };
}

function title(token: Token): Record<string, string> {
  const value = token.attrGet("title");
  return value === null ? {} : { title: String(value) };
}

// A link that may be followed, or its text with the URL beside it.
function link(node: Elem): Tree[] {
  const raw = node.attrs.href ?? "";
  const href = safeUrl(raw);
  if (href !== null) return [{ ...node, attrs: { ...node.attrs, href, ...LINK_ATTRS } }];
  const shown = visibleUrl(raw);
  return shown === "" || shown === textOf(node.kids) ? node.kids : [...node.kids, ` (${shown})`];
}

/** A picture if its bytes are in the URL, else a link that says what it is and where it leads. */
export function image(src: string, alt: string, attrs: Record<string, string> = {}): Elem {
  const inline = inlineImage(src);
  if (inline !== null) return elem("img", { src: inline, alt, ...attrs });
  const href = safeUrl(src);
  const label = visible(
    `image: ${alt ? `${alt} ` : ""}(${href === null ? visibleUrl(src) : hostOf(href)})`,
  );
  return href === null
    ? elem("span", { class: "nb-image" }, [label])
    : elem("a", { class: "nb-image", href, ...attrs, ...LINK_ATTRS }, [label]);
}

function taskBox(checked: boolean): Elem {
  const label = checked ? "done" : "to do";
  return elem("input", {
    type: "checkbox",
    disabled: "",
    "aria-label": label,
    ...(checked ? { checked: "" } : {}),
  });
}

function hasTaskBox(item: Elem): boolean {
  const first = item.kids[0];
  if (typeof first !== "object" || first.kind !== "elem") return false;
  return first.tag === "input" || (first.tag === "p" && hasTaskBox(first));
}

function elem(tag: string, attrs: Record<string, string> = {}, kids: Tree[] = []): Elem {
  return { kind: "elem", tag, attrs, kids };
}

// Join neighbouring texts, so that a growing text is one text node that is extended.
function addAll(parent: Elem, kids: Tree[]): void {
  for (const kid of kids) {
    const last = parent.kids.length - 1;
    const before = parent.kids[last];
    if (typeof kid === "string" && typeof before === "string") parent.kids[last] = before + kid;
    else if (kid !== "") parent.kids.push(kid);
  }
}

function textOf(kids: Tree[]): string {
  return kids
    .map((kid) => (typeof kid === "string" ? kid : kid.kind === "elem" ? textOf(kid.kids) : ""))
    .join("");
}

function plainText(tokens: Token[] | null): string {
  return (tokens ?? [])
    .map((token) => {
      if (token.type === "image") return plainText(token.children);
      if (token.type === "softbreak" || token.type === "hardbreak") return "\n";
      return token.nesting === 0 ? token.content : "";
    })
    .join("");
}
