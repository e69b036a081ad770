/**
 * HTML from a tool's result (a DataFrame's table, say) to DOM, by an allow-list:
 * nbagent/protocol/markup.json.
 */

import { html as ALLOWED } from "../../../nbagent/protocol/markup.json";
import { wordSet } from "../shared";
import { copyAttributes, copyChildren, copyStyle, type Policy } from "./copy";
import { createElement } from "./dom";
import { image } from "./tree";
import { LINK_ATTRS, safeUrl } from "./url";

const ATTRS = wordSet(ALLOWED.attributes);
const STYLES = wordSet(ALLOWED.styles);
// The classes of pandas' tables; any other could pass for a part of this view.
const CLASS = new RegExp(`^(?:${ALLOWED.class})$`);

const policy: Policy = { tags: wordSet(ALLOWED.tags), dropped: wordSet(ALLOWED.dropped), make };

/**
 * Turn HTML from an untrusted place into DOM that can run nothing, fetch nothing and cover nothing.
 *
 * It is parsed in an inert document and copied element by element. Links keep http, https and
 * mailto; images only where their bytes are in the URL, others become links; ids, names, event
 * handlers and unknown attributes stay behind.
 */
export function htmlToDom(html: string): DocumentFragment {
  // Without a body's tag, what comes first would be read by the rules of a head, where <noscript>
  // has no content.
  const inert = new DOMParser().parseFromString(`<body>${html}`, "text/html");
  const fragment = document.createDocumentFragment();
  copyChildren(inert.body, fragment, policy);
  return fragment;
}

function make(source: Element, tag: string): Element | null {
  if (tag === "img") {
    return createElement(
      image(source.getAttribute("src") ?? "", source.getAttribute("alt") ?? ""),
    ) as Element;
  }
  const href = tag === "a" ? safeUrl(source.getAttribute("href") ?? "") : null;
  // A header without a word, such as the corner of a pandas table, heads nothing.
  const blank = tag === "th" && source.textContent?.trim() === "" && !source.firstElementChild;
  const node = document.createElement(tag === "a" && href === null ? "span" : blank ? "td" : tag);
  copyAttributes(source, node, ATTRS);
  copyStyle(source, node, STYLES);
  const classes = [...source.classList].filter((name) => CLASS.test(name));
  if (classes.length > 0) node.className = classes.join(" ");
  if (href !== null) {
    node.setAttribute("href", href);
    for (const [name, value] of Object.entries(LINK_ATTRS)) node.setAttribute(name, value);
  }
  return node;
}
