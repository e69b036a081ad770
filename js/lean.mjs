// Leaves out what our grammar (src/markdown/grammar.ts) switches off in markdown-it: 10 KB.
import { readFile } from "node:fs/promises";

/** Each source file inside the package's one module, and what stands for it. */
const UNUSED = {
  "renderer.ts": "class Renderer {}",
  "rules_core/linkify.ts": "function linkify$1() {}",
  "rules_core/replacements.ts": "function replace() {}",
  "rules_core/smartquotes.ts": "function smartquotes() {}",
  "common/html_blocks.ts": "",
  "common/html_re.ts": "",
  "rules_block/html_block.ts": "function html_block() {}",
  "rules_inline/html_inline.ts": "function html_inline() {}",
};
const MODULE = /markdown-it\.mjs$/;

function withoutUnused(code) {
  return Object.entries(UNUSED).reduce((text, [file, stub]) => {
    const from = text.indexOf(`//#region src/${file}\n`);
    const to = text.indexOf("//#endregion", from);
    if (from < 0)
      throw new Error(`markdown-it has no part "${file}" any more: look again at what js/lean.mjs leaves out`);
    return text.slice(0, from) + stub + text.slice(to);
  }, code);
}

export const lean = {
  name: "lean",
  setup(build) {
    build.onLoad({ filter: MODULE }, async ({ path }) => ({ contents: withoutUnused(await readFile(path, "utf8")) }));
  },
};
