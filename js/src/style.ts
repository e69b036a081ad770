/** The front end's style sheet, adopted once by each document or shadow tree that holds a view. */

declare const NBAGENT_STYLE: { css: string; className: string } | undefined;

const STYLE = typeof NBAGENT_STYLE === "object" ? NBAGENT_STYLE : { css: "", className: "" };

/**
 * Class that the rules of this sheet apply to: a front end of another version in the same page has
 * another.
 */
export const STYLE_CLASS = STYLE.className;

let sheet: CSSStyleSheet | undefined;

/** Adopt the sheet where the element is, unless it is adopted already. */
export function adoptStyle(element: Element): void {
  if (STYLE.css === "") return;
  if (sheet === undefined) {
    sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLE.css);
  }
  const root = element.getRootNode();
  // A view may be drawn before it is in the page.
  const tree = root instanceof ShadowRoot ? root : document;
  if (!tree.adoptedStyleSheets.includes(sheet))
    tree.adoptedStyleSheets = [...tree.adoptedStyleSheets, sheet];
}
