/**
 * DOM patching: makes nodes equal to a wanted tree. Nodes that exist are kept, so that selection
 * and scroll position survive.
 */

import { markdown as ALLOWED } from "../../../nbagent/protocol/markup.json";
import { wordSet } from "../shared";
import type { CodeSpec, Elem, MathSpec, Tree } from "./tree";

/** A node that draws itself, such as a code block or a formula. */
export interface NodeView {
  readonly kind: "code" | "math";
  readonly node: HTMLElement;
  /** Element in the node whose text the caret follows. */
  readonly caretHost?: HTMLElement;
  /** Draw the new state; false if the node cannot become this. */
  update(spec: CodeSpec | MathSpec): boolean;
}

/** Factory of nodes that draw themselves. */
export type MakeNodeView = (spec: CodeSpec | MathSpec) => NodeView;

// Elements and attributes that Markdown may make; no other is made.
const TAGS = wordSet(Object.values(ALLOWED).join(" "));
const ATTRS = wordSet(
  "href title target rel class start type checked disabled aria-label src alt style",
);

const views = new WeakMap<Node, NodeView>();

/**
 * Make the children of `parent`, from `first` on, equal to the wanted trees. `first` is null if
 * there is none yet.
 */
export function patchFrom(
  parent: Element,
  first: ChildNode | null,
  wanted: Tree[],
  make: MakeNodeView,
): void {
  let node = first;
  for (const tree of wanted) {
    if (node) node = patchOne(node, tree, make).nextSibling;
    else parent.appendChild(create(tree, make));
  }
  while (node) {
    const next: ChildNode | null = node.nextSibling;
    node.remove();
    node = next;
  }
}

/** Make one node equal to the wanted tree and return it, or the node that took its place. */
export function patchOne(node: ChildNode, tree: Tree, make: MakeNodeView): ChildNode {
  if (patchNode(node, tree, make)) return node;
  const made = create(tree, make);
  node.replaceWith(made);
  return made;
}

function patchNode(node: ChildNode, tree: Tree, make: MakeNodeView): boolean {
  if (typeof tree === "string") {
    if (!(node instanceof Text)) return false;
    patchText(node, tree);
    return true;
  }
  const view = views.get(node);
  if (tree.kind !== "elem") return view?.kind === tree.kind && view.update(tree);
  if (view || !(node instanceof HTMLElement) || node.localName !== tree.tag) return false;
  patchAttrs(node, tree);
  patchFrom(node, node.firstChild, tree.kids, make);
  return true;
}

/** Change a text node with the least edit, so that a selection in it survives. */
export function patchText(node: Text, wanted: string): void {
  const { data } = node;
  if (data === wanted) return;
  const same = commonLength(data, wanted);
  if (same === data.length) node.appendData(wanted.slice(same));
  else node.replaceData(same, data.length - same, wanted.slice(same));
}

/** Length of the common prefix of two texts. */
export function commonLength(a: string, b: string): number {
  let same = 0;
  const most = Math.min(a.length, b.length);
  while (same < most && a.charCodeAt(same) === b.charCodeAt(same)) same++;
  return same;
}

function patchAttrs(node: HTMLElement, tree: Elem): void {
  for (const { name } of [...node.attributes]) {
    if (!(name in tree.attrs)) node.removeAttribute(name);
  }
  for (const [name, value] of Object.entries(tree.attrs)) setAttr(node, name, value);
}

function setAttr(node: HTMLElement, name: string, value: string): void {
  if (!ATTRS.has(name) || node.getAttribute(name) === value) return;
  // The only style Markdown has is a table column's alignment.
  if (name === "style")
    node.style.textAlign = /^text-align:(left|right|center)$/.exec(value)?.[1] ?? "";
  else node.setAttribute(name, value);
}

function create(tree: Tree, make: MakeNodeView): ChildNode {
  if (typeof tree === "string") return document.createTextNode(tree);
  if (tree.kind !== "elem") {
    const view = make(tree);
    views.set(view.node, view);
    return view.node;
  }
  const node = document.createElement(TAGS.has(tree.tag) ? tree.tag : "span");
  for (const [name, value] of Object.entries(tree.attrs)) setAttr(node, name, value);
  for (const kid of tree.kids) node.appendChild(create(kid, make));
  return node;
}

/** Make a detached node of a tree without code blocks and formulas. */
export function createElement(tree: Elem): ChildNode {
  return create(tree, () => {
    throw new Error("this tree may hold no code blocks and formulas");
  });
}

/**
 * Return the view of the last node under `root`, or undefined if that node does not draw itself.
 */
export function lastNodeView(root: HTMLElement): NodeView | undefined {
  let node: Node | null = root;
  while (node && !views.has(node)) node = node.lastChild;
  return node ? views.get(node) : undefined;
}

/** Put the caret after the last text under `root`. */
export function placeCaret(root: HTMLElement, caret: HTMLElement): void {
  let host: HTMLElement = root;
  for (;;) {
    let last = host.lastChild;
    if (last === caret) last = caret.previousSibling;
    // The cells that an unfinished table row still lacks are empty.
    if (host.localName === "tr")
      while (last?.previousSibling && !last.hasChildNodes()) last = last.previousSibling;
    if (!(last instanceof HTMLElement)) break;
    const view = views.get(last);
    if (view?.caretHost) host = view.caretHost;
    if (view || /^(?:br|hr|img|input)$/.test(last.localName)) break;
    host = last;
  }
  if (host.lastChild !== caret) host.appendChild(caret);
}
