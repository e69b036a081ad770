/** JavaScript that is too big for the base bundle: fetched over the channel once, kept for the whole page. */

declare const NBAGENT_VERSION: string | undefined;

export type PartName = "math.js" | "highlight.js" | "inspector.js";
// biome-ignore lint/suspicious/noExplicitAny: a module's shape is known to the one who asks for it
export type PartModule = any;

const PAGE_CACHE = Symbol.for("nbagent.modules");
const VERSION = typeof NBAGENT_VERSION === "string" ? NBAGENT_VERSION : "dev";

function pageCache(): Map<string, Promise<PartModule>> {
  const page = globalThis as { [PAGE_CACHE]?: Map<string, Promise<PartModule>> };
  page[PAGE_CACHE] ??= new Map();
  return page[PAGE_CACHE];
}

async function importText(text: string): Promise<PartModule> {
  const url = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
  try {
    return await import(/* @vite-ignore */ url);
  } finally {
    URL.revokeObjectURL(url);
  }
}

/** The module, from this page's cache or by `fetchText`. A failure is not kept: the next one to ask tries again. */
export function needModule(
  name: PartName,
  fetchText: (name: string) => Promise<string>,
  load: (text: string) => Promise<PartModule> = importText,
): Promise<PartModule> {
  const cache = pageCache();
  const key = `${name}@${VERSION}`;
  const underWay = cache.get(key);
  // Another run asked, and its view or its kernel may be gone before it is answered.
  if (underWay) return underWay.catch(() => needModule(name, fetchText, load));
  const module = fetchText(name).then(load);
  cache.set(key, module);
  module.catch(() => cache.delete(key));
  return module;
}
