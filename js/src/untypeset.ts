/**
 * Static copy of a run, kept from JupyterLab's MathJax while a live view of the run hides it.
 *
 * JupyterLab typesets an output where it is put into the page, also one that is not seen: 2,000
 * formulas stop the page for three seconds. It does so after a promise, so an observer of the
 * outputs comes first.
 * https://docs.mathjax.org/en/latest/options/document.html#the-configuration-block
 * (ignoreHtmlClass)
 */

import type { AnyModel } from "@anywidget/types";

const IGNORED = "mathjax_ignore";

interface Typesetter {
  typeset(element: HTMLElement): unknown;
}

/** JupyterLab's typesetter, reached by way of the widget's manager; null elsewhere. */
export function typesetterOf(model: AnyModel): Typesetter | null {
  const manager = model.widget_manager as unknown as
    | { rendermime?: { latexTypesetter?: Typesetter | null } }
    | undefined;
  return manager?.rendermime?.latexTypesetter ?? null;
}

/**
 * Keep the formulas of a run's copy from being typeset, in the outputs beside a view.
 *
 * @param view - the live view's element, which may come into the page later.
 * @returns a function that ends it, and has the copies typeset that are in the page then.
 */
export function keepUntypeset(
  view: HTMLElement,
  domKey: string,
  typesetter: Typesetter | null,
): () => void {
  const selector = `[data-nbagent-twin=${JSON.stringify(domKey)}]`;
  /** The latest copy in each output. */
  const copies = new Map<Element, HTMLElement>();
  let outputs: Element | null = null;

  const observer = new MutationObserver(() => look());
  const look = () => {
    for (const output of outputs?.children ?? []) {
      const copy = output.contains(view) ? null : output.querySelector<HTMLElement>(selector);
      if (copy === null) continue;
      copy.classList.add(IGNORED);
      copies.set(output, copy);
      observer.observe(output, { childList: true, subtree: true });
    }
  };
  const begin = () => {
    outputs = view.closest(".jp-OutputArea");
    if (outputs === null) return;
    attached.disconnect();
    observer.observe(outputs, { childList: true });
    look();
  };
  const attached = new ResizeObserver(begin);
  attached.observe(view);
  begin();

  return () => {
    attached.disconnect();
    observer.disconnect();
    for (const copy of copies.values()) {
      copy.classList.remove(IGNORED);
      if (copy.isConnected) typesetter?.typeset(copy);
    }
  };
}
