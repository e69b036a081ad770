/**
 * A code block: language label, copy button, text that grows in place, highlighted once it is
 * closed.
 */

import { visible } from "../readable";
import { CodeText } from "./code-text";
import type { NodeView } from "./dom";
import type { CodeSpec, MathSpec } from "./tree";

/** The exports of the lazily loaded module `highlight.js`. */
export interface Highlighter {
  /** Highlight code; null if the language is unknown. */
  highlight(code: string, lang: string): HastRoot | null;
}

/** Subset of hast that a highlighter produces: https://github.com/syntax-tree/hast */
export interface HastRoot {
  type: "root";
  children: HastNode[];
}
type HastNode =
  | { type: "text"; value: string }
  | { type: "element"; properties?: { className?: unknown }; children: HastNode[] };

/** Characters up to which code is highlighted. */
export const MAX_HIGHLIGHT_CHARS = 100_000;
const COPIED_MS = 1500;

/** One code block. */
export class CodeBlock implements NodeView {
  readonly kind = "code";
  readonly node = document.createElement("div");
  private readonly code = document.createElement("code");
  private readonly label = document.createElement("span");
  // Null while the code is highlighted.
  private text: CodeText | null = new CodeText(this.code);
  private spec: CodeSpec | null = null;

  constructor(
    spec: CodeSpec,
    private readonly highlighter: () => Promise<Highlighter>,
  ) {
    const bar = document.createElement("div");
    const copy = document.createElement("button");
    const pre = document.createElement("pre");
    this.node.className = "nb-code";
    bar.className = "nb-code-bar";
    this.label.className = "nb-code-lang";
    copy.className = "nb-copy";
    copy.type = "button";
    copy.textContent = "Copy";
    copy.setAttribute("aria-label", "Copy code");
    copy.addEventListener("click", () => void this.copy(copy));
    bar.append(this.label, copy);
    pre.append(this.code);
    this.node.append(bar, pre);
    this.update(spec);
  }

  get caretHost(): HTMLElement {
    return this.text?.end ?? this.code;
  }

  /** Add text to an open block without reading what is in it. */
  extend(more: string): void {
    this.text?.append(visible(more));
    if (this.spec) this.spec.text += more;
  }

  update(spec: CodeSpec | MathSpec): boolean {
    if (spec.kind !== "code") return false;
    const before = this.spec;
    if (
      before &&
      before.text === spec.text &&
      before.lang === spec.lang &&
      before.closed === spec.closed
    )
      return true;
    this.spec = { ...spec };
    if (before?.lang !== spec.lang) {
      this.label.textContent = spec.lang;
      this.code.className = spec.lang ? `language-${spec.lang}` : "";
    }
    if (!this.text) {
      this.code.replaceChildren();
      this.text = new CodeText(this.code);
    }
    this.text.replace(visible(spec.text));
    if (spec.closed && spec.lang && spec.text.length <= MAX_HIGHLIGHT_CHARS)
      void this.highlight(this.spec);
    return true;
  }

  // The plain text stays if the highlighter cannot be loaded, fails or does not know the language.
  private async highlight(spec: CodeSpec): Promise<void> {
    try {
      const shown = visible(spec.text);
      const root = (await this.highlighter()).highlight(shown, spec.lang);
      if (!root || this.spec !== spec) return;
      const fragment = document.createDocumentFragment();
      addHast(fragment, root.children);
      if (fragment.textContent !== shown) return;
      this.code.replaceChildren(fragment);
      this.text = null;
    } catch {
      // Code is complete without highlighting.
    }
  }

  private async copy(button: HTMLButtonElement): Promise<void> {
    // Copied as it is shown: a terminal would execute control characters.
    const text = visible(this.spec?.text ?? "").replace(/\n$/, "");
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
    } catch {
      // No clipboard on pages served over plain http: select the code so that the copy key works.
      window.getSelection()?.selectAllChildren(this.code);
      button.textContent = "Selected";
    }
    setTimeout(() => {
      button.textContent = "Copy";
    }, COPIED_MS);
  }
}

function addHast(parent: Node, nodes: HastNode[]): void {
  for (const node of nodes) {
    if (node.type === "text") {
      parent.appendChild(document.createTextNode(node.value));
    } else if (node.type === "element") {
      const span = document.createElement("span");
      const names = node.properties?.className;
      const safe = Array.isArray(names)
        ? names.filter((name) => /^[\w-]{1,40}$/.test(String(name)))
        : [];
      span.className = safe.join(" ");
      addHast(span, node.children);
      parent.appendChild(span);
    }
  }
}
