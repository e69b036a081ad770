/** Lazy parts: JavaScript that is too big for the base bundle, read from a kernel on first need and kept for the whole page. */

export type PartName = "math.js" | "highlight.js" | "inspector.js";
// biome-ignore lint/suspicious/noExplicitAny: a module's shape is known to its user
export type PartModule = any;

/** Parts by name. All runs of a page share this module (js/src/loader.ts), and so its parts. */
const loaded = new Map<PartName, Promise<PartModule>>();

async function importText(text: string): Promise<PartModule> {
  const url = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
  try {
    return await import(/* @vite-ignore */ url);
  } finally {
    URL.revokeObjectURL(url);
  }
}

/** Return the part, from the page's cache or by `fetchText`. A failure is not cached: the next caller tries again. */
export function needModule(
  name: PartName,
  fetchText: (name: string) => Promise<string>,
  load: (text: string) => Promise<PartModule> = importText,
): Promise<PartModule> {
  const underWay = loaded.get(name);
  // The run that asked may have lost its view or its kernel before it was answered.
  if (underWay) return underWay.catch(() => needModule(name, fetchText, load));
  const module = fetchText(name).then(load);
  loaded.set(name, module);
  module.catch(() => loaded.delete(name));
  return module;
}
