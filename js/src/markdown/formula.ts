/** A formula: its TeX source until it is complete and the typesetter is loaded, then MathML. */

import type { NodeView } from "./dom";
import type { CodeSpec, MathSpec } from "./tree";

/** The exports of the lazily loaded module `math.js`. */
export interface Typesetter {
  /** Typeset TeX; on an error the element shows the source. Never throws. */
  mathToDom(tex: string, display: boolean): Element;
}

/** One formula. */
export class Formula implements NodeView {
  readonly kind = "math";
  readonly node: HTMLElement;
  private readonly source = document.createElement("code");
  private spec: MathSpec;

  constructor(
    spec: MathSpec,
    private readonly typesetter: () => Promise<Typesetter>,
  ) {
    this.spec = spec;
    this.node = document.createElement("span");
    this.node.className = spec.display ? "nb-formula nb-display" : "nb-formula";
    this.source.className = "nb-math";
    this.node.append(this.source);
    this.draw();
  }

  update(spec: CodeSpec | MathSpec): boolean {
    if (spec.kind !== "math" || spec.display !== this.spec.display) return false;
    if (spec.tex === this.spec.tex && spec.ready === this.spec.ready) return true;
    this.spec = spec;
    this.draw();
    return true;
  }

  private draw(): void {
    const { spec } = this;
    this.source.textContent = spec.tex;
    if (this.node.firstChild !== this.source) this.node.replaceChildren(this.source);
    if (!spec.ready) return;
    this.typesetter()
      .then((math) => {
        if (this.spec === spec) this.node.replaceChildren(math.mathToDom(spec.tex, spec.display));
      })
      // Without a typesetter the source stays.
      .catch(() => {});
  }
}
