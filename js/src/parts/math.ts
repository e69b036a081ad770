/** The lazily loaded module `math.js`: TeX to MathML. */

import temml from "temml";
import { isSafeStyle } from "../markdown/copy";
import { visible } from "../readable";
import { wordSet } from "../shared";

const MATHML = "http://www.w3.org/1998/Math/MathML";
const MAX_TEX_CHARS = 10_000;
// A macro's body counts as often as it is used.
const MAX_TEX_WITH_MACROS_CHARS = 1000;
const MAX_EXPANSIONS = 200;
const DEFINES_MACRO = /\\(?:[gex]?def|let|futurelet|(?:new|renew|provide)command)/;
const MAX_SIZE_EM = 20;

const TAGS = wordSet(
  "math mrow mi mn mo ms mtext mspace mfrac msqrt mroot mstyle mpadded mphantom merror " +
    "menclose msub msup msubsup munder " +
    "mover munderover mmultiscripts mprescripts none mtable mtr mtd",
);
const ATTRS = wordSet(
  "display displaystyle scriptlevel mathvariant mathcolor mathbackground mathsize stretchy " +
    "symmetric fence separator form " +
    "largeop movablelimits minsize maxsize lspace rspace accent accentunder linethickness " +
    "width height depth voffset " +
    "notation columnalign columnspacing columnlines rowalign rowspacing rowlines columnspan " +
    "rowspan linebreak dir",
);
const STYLES = wordSet(
  "color background-color border border-top border-bottom border-left border-right padding " +
    "padding-top padding-bottom " +
    "padding-left padding-right margin-left margin-right text-align vertical-align width height " +
    "math-style math-depth " +
    "font-weight font-style display",
);

/** A node of temml's tree: an element, a text or a fragment. */
interface TemmlNode {
  type?: string;
  text?: string;
  attributes?: Record<string, string>;
  classes?: string[];
  style?: Record<string, string>;
  children?: TemmlNode[];
}

// Build only elements, attributes and styles that are listed. Links, pictures and HTML elements
// have another shape and are left out with their content.
function build(source: TemmlNode, parent: Node): void {
  if (typeof source.text === "string") {
    parent.appendChild(document.createTextNode(visible(source.text)));
    return;
  }
  let into = parent;
  if (source.type !== undefined) {
    if (!TAGS.has(source.type)) return;
    const node = document.createElementNS(MATHML, source.type);
    for (const [name, value] of Object.entries(source.attributes ?? {})) {
      if (ATTRS.has(name)) node.setAttribute(name, String(value));
    }
    const classes = (source.classes ?? []).filter((name) => /^tml-[\w-]+$/.test(name));
    if (classes.length > 0) node.setAttribute("class", classes.join(" "));
    for (const [name, value] of Object.entries(source.style ?? {})) {
      const property = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
      if (STYLES.has(property) && isSafeStyle(String(value)))
        node.style?.setProperty(property, String(value));
    }
    into = parent.appendChild(node);
  } else if (isForeign(source)) {
    return;
  }
  for (const child of source.children ?? []) build(child, into);
}

function isForeign(source: TemmlNode): boolean {
  return "href" in source || "src" in source || Object.keys(source.attributes ?? {}).length > 0;
}

/**
 * Typeset TeX.
 *
 * Commands that link, fetch or set attributes (`\href`, `\includegraphics`, `\class` …) are not
 * trusted, macros do not outlive the call, and only listed MathML arrives. Where the TeX is wrong
 * or too long its source is shown instead.
 *
 * @param display - true for a formula on a line of its own.
 * @returns `<math>`, or `<code class="nb-math">` with the reason as its title. Never throws.
 */
export function mathToDom(tex: string, display: boolean): Element {
  try {
    if (tex.length > MAX_TEX_CHARS)
      throw new Error(`the formula is longer than ${MAX_TEX_CHARS} characters`);
    if (tex.length > MAX_TEX_WITH_MACROS_CHARS && DEFINES_MACRO.test(tex))
      throw new Error(
        `a formula that defines macros may have ${MAX_TEX_WITH_MACROS_CHARS} characters`,
      );
    const tree: TemmlNode = temml.__renderToMathMLTree(tex, {
      displayMode: display,
      throwOnError: true,
      trust: false,
      strict: false,
      macros: {},
      maxExpand: MAX_EXPANSIONS,
      maxSize: [MAX_SIZE_EM, MAX_SIZE_EM],
    });
    const holder = document.createDocumentFragment();
    build(tree, holder);
    const math = holder.firstElementChild;
    if (math?.localName !== "math") throw new Error("no formula came out");
    return math;
  } catch (error) {
    const source = document.createElement("code");
    source.className = "nb-math";
    source.textContent = tex;
    // The message underlines the place with combining marks, which a tooltip cannot show.
    source.title = (error instanceof Error ? error.message : String(error))
      .replaceAll("\u0332", "")
      .trim();
    return source;
  }
}
