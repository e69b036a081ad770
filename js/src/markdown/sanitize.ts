// HTML from a tool's result (a DataFrame's table, say) to DOM, by allow-list.
import { copyAttributes, copyChildren, copyStyle, type Policy } from "./copy";
import { createElement } from "./dom";
import { image } from "./tree";
import { LINK_ATTRS, safeUrl } from "./url";

const words = (text: string): ReadonlySet<string> => new Set(text.split(" "));

const TAGS = words(
  "table caption colgroup col thead tbody tfoot tr th td div span p pre code samp kbd var b i u s em strong small sub sup " +
    "mark del ins abbr cite q br hr wbr ul ol li dl dt dd h1 h2 h3 h4 h5 h6 blockquote details summary figure figcaption " +
    "a img",
);
const DROPPED = words(
  "script style iframe frame frameset noframes object embed applet form button select option optgroup textarea svg math " +
    "template title base meta link noscript noembed xmp plaintext audio video source track canvas dialog slot portal",
);
const ATTRS = words("colspan rowspan scope title align valign start reversed open datetime dir lang");
const STYLES = words(
  "color background-color font-weight font-style font-family font-size text-align text-decoration vertical-align " +
    "white-space width min-width max-width height padding padding-left padding-right border border-left border-right " +
    "border-top border-bottom border-collapse",
);
// The classes of pandas' tables; any other could pass for a part of this view.
const CLASS = /^(?:dataframe|data|blank|index_name|(?:row|col)_heading|level\d+|row\d+|col\d+)$/;

const policy: Policy = { tags: TAGS, dropped: DROPPED, make };

/**
 * Turns HTML from an untrusted place into DOM that can run nothing, fetch nothing and cover nothing.
 *
 * It is parsed in an inert document and copied element by element. Links keep http, https and mailto; images only where
 * their bytes are in the URL, others become links; ids, names, event handlers and unknown attributes stay behind.
 */
export function htmlToDom(html: string): DocumentFragment {
  const inert = new DOMParser().parseFromString(html, "text/html");
  const fragment = document.createDocumentFragment();
  copyChildren(inert.body, fragment, policy);
  return fragment;
}

function make(source: Element, tag: string): Element | null {
  if (tag === "img") {
    return createElement(image(source.getAttribute("src") ?? "", source.getAttribute("alt") ?? "")) as Element;
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
