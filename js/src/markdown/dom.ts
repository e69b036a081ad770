// The wanted tree to DOM: what is there is kept and extended, so that selection and scroll position survive.
import type { CodeSpec, Elem, MathSpec, Tree } from "./tree";

/** A part that draws itself, such as a code block or a formula. */
export interface Part {
  readonly kind: "code" | "math";
  readonly node: HTMLElement;
  /** Where a caret stands after the part's text, if inside it. */
  readonly caretHost?: HTMLElement;
  /** Draws the new state; false if the part cannot become this. */
  update(spec: CodeSpec | MathSpec): boolean;
}

/** Makes a part. */
export type MakePart = (spec: CodeSpec | MathSpec) => Part;

// Everything that Markdown may make. What is not listed is not made.
const TAGS = new Set(
  "p h1 h2 h3 h4 h5 h6 ul ol li blockquote code em strong s a br hr div table thead tbody tr th td input img span".split(
    " ",
  ),
);
const ATTRS = new Set("href title target rel class start type checked disabled aria-label src alt style".split(" "));

const parts = new WeakMap<Node, Part>();

/** Makes the children of `parent` from `first` on (null: none yet) equal to the wanted trees. */
export function patchFrom(parent: Element, first: ChildNode | null, wanted: Tree[], make: MakePart): void {
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

/** Makes one node equal to the wanted tree and returns it, or the node that took its place. */
export function patchOne(node: ChildNode, tree: Tree, make: MakePart): ChildNode {
  if (patchNode(node, tree, make)) return node;
  const made = create(tree, make);
  node.replaceWith(made);
  return made;
}

function patchNode(node: ChildNode, tree: Tree, make: MakePart): boolean {
  if (typeof tree === "string") {
    if (!(node instanceof Text)) return false;
    patchText(node, tree);
    return true;
  }
  const part = parts.get(node);
  if (tree.kind !== "elem") return part?.kind === tree.kind && part.update(tree);
  if (part || !(node instanceof HTMLElement) || node.localName !== tree.tag) return false;
  patchAttrs(node, tree);
  patchFrom(node, node.firstChild, tree.kids, make);
  return true;
}

/** Changes a text node with the least edit, so that a selection in it survives. */
export function patchText(node: Text, wanted: string): void {
  const { data } = node;
  if (data === wanted) return;
  const same = commonLength(data, wanted);
  if (same === data.length) node.appendData(wanted.slice(same));
  else node.replaceData(same, data.length - same, wanted.slice(same));
}

/** How many characters two texts have in common at their start. */
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
  if (name === "style") node.style.textAlign = /^text-align:(left|right|center)$/.exec(value)?.[1] ?? "";
  else node.setAttribute(name, value);
}

function create(tree: Tree, make: MakePart): ChildNode {
  if (typeof tree === "string") return document.createTextNode(tree);
  if (tree.kind !== "elem") {
    const part = make(tree);
    parts.set(part.node, part);
    return part.node;
  }
  const node = document.createElement(TAGS.has(tree.tag) ? tree.tag : "span");
  for (const [name, value] of Object.entries(tree.attrs)) setAttr(node, name, value);
  for (const kid of tree.kids) node.appendChild(create(kid, make));
  return node;
}

/** Makes a detached node of one tree that holds no parts. */
export function createElement(tree: Elem): ChildNode {
  return create(tree, () => {
    throw new Error("this tree may hold no parts");
  });
}

/** The part that ends the content of `root`, if a part does. */
export function lastPart(root: HTMLElement): Part | undefined {
  let node: Node | null = root;
  while (node && !parts.has(node)) node = node.lastChild;
  return node ? parts.get(node) : undefined;
}

/** Puts the caret after the last text under `root`. */
export function placeCaret(root: HTMLElement, caret: HTMLElement): void {
  let host: HTMLElement = root;
  for (;;) {
    let last = host.lastChild;
    if (last === caret) last = caret.previousSibling;
    // The cells that an unfinished table row still lacks are empty.
    if (host.localName === "tr") while (last?.previousSibling && !last.hasChildNodes()) last = last.previousSibling;
    if (!(last instanceof HTMLElement)) break;
    const part = parts.get(last);
    if (part?.caretHost) host = part.caretHost;
    if (part || /^(?:br|hr|img|input)$/.test(last.localName)) break;
    host = last;
  }
  if (host.lastChild !== caret) host.appendChild(caret);
}
