/** Copy of an untrusted DOM tree by an allow-list of elements, attributes and styles. */

import { html as ALLOWED } from "../../../nbagent/protocol/markup.json";
import { readable } from "../readable";
import { LIMITS } from "../shared";

/** The allow-list. */
export interface Policy {
  /** Names of elements that are copied. Of other elements only the children are copied. */
  tags: ReadonlySet<string>;
  /** Names of elements that are left out with their content. */
  dropped: ReadonlySet<string>;
  /** Make the copy of one element without its children; null leaves it out with its children. */
  make(source: Element, tag: string): Element | null;
}

/** Copy the children of `source` to the end of `target`, up to the limits of depth and number. */
export function copyChildren(source: Node, target: Node, policy: Policy): void {
  const budget = { nodes: LIMITS.html_nodes };
  copyInto(source, target, policy, LIMITS.html_depth, budget);
  if (budget.nodes <= 0) target.appendChild(document.createTextNode("…"));
}

function copyInto(
  source: Node,
  target: Node,
  policy: Policy,
  depth: number,
  budget: { nodes: number },
): void {
  for (let node = source.firstChild; node && budget.nodes > 0; node = node.nextSibling) {
    budget.nodes--;
    if (node.nodeType === Node.TEXT_NODE) {
      target.appendChild(document.createTextNode(readable(node.nodeValue ?? "")));
    } else if (node.nodeType === Node.ELEMENT_NODE && depth > 0) {
      const element = node as Element;
      const tag = element.localName;
      if (policy.dropped.has(tag)) continue;
      const copy = policy.tags.has(tag) ? policy.make(element, tag) : target;
      if (!copy) continue;
      copyInto(element, copy, policy, depth - 1, budget);
      if (copy !== target) target.appendChild(copy);
    }
  }
}

/** Copy the attributes that are listed. */
export function copyAttributes(source: Element, target: Element, names: ReadonlySet<string>): void {
  for (const { name, value } of source.attributes) {
    if (names.has(name)) target.setAttribute(name, value);
  }
}

// Words, numbers and plain colours: no url(), image-set(), var() or expression().
const SAFE_VALUE = new RegExp(`^${ALLOWED.style_value}$`, "i");

/** Return true if the style value can fetch nothing. */
export function isSafeStyle(value: string): boolean {
  return value.length < LIMITS.style_value_chars && SAFE_VALUE.test(value);
}

/** Copy the inline style properties that are listed and whose values can fetch nothing. */
export function copyStyle(
  source: Element,
  target: HTMLElement,
  properties: ReadonlySet<string>,
): void {
  const { style } = source as HTMLElement;
  if (!style) return;
  for (const name of properties) {
    const value = style.getPropertyValue(name);
    if (value && isSafeStyle(value)) target.style.setProperty(name, value);
  }
}
