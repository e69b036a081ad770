/**
 * Lazy modules: JavaScript that is too large for the base bundle, read from a kernel on first use
 * and cached for the page.
 */

import { importText } from "./import-text";

export type ModuleName =
  | "math.js"
  | "highlight.js"
  | "inspector.js"
  | "answering.js"
  | "forks.js"
  | "media.js"
  | "table.js"
  | "plotly.js";
// biome-ignore lint/suspicious/noExplicitAny: a module's shape is known to its user
export type LazyModule = any;

/** Modules by name. All runs of a page share this file (see loader.ts), and so the cache. */
const loaded = new Map<ModuleName, Promise<LazyModule>>();

/**
 * Return the module, from the page's cache or by `fetchText`. A failure is not cached: the next
 * caller tries again.
 */
export function loadModule(
  name: ModuleName,
  fetchText: (name: string) => Promise<string>,
  evaluate: (text: string) => Promise<LazyModule> = importText,
): Promise<LazyModule> {
  const pending = loaded.get(name);
  // The run that asked may have lost its view or its kernel before it was answered.
  if (pending) return pending.catch(() => loadModule(name, fetchText, evaluate));
  const module = fetchText(name).then(evaluate);
  loaded.set(name, module);
  module.catch(() => loaded.delete(name));
  return module;
}
