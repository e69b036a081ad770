/** The lazily loaded module `highlight.js`: highlighted code as a hast tree, never as HTML. */

import bash from "highlight.js/lib/languages/bash";
import c from "highlight.js/lib/languages/c";
import cpp from "highlight.js/lib/languages/cpp";
import css from "highlight.js/lib/languages/css";
import diff from "highlight.js/lib/languages/diff";
import go from "highlight.js/lib/languages/go";
import java from "highlight.js/lib/languages/java";
import javascript from "highlight.js/lib/languages/javascript";
import json from "highlight.js/lib/languages/json";
import julia from "highlight.js/lib/languages/julia";
import markdown from "highlight.js/lib/languages/markdown";
import python from "highlight.js/lib/languages/python";
import pythonRepl from "highlight.js/lib/languages/python-repl";
import r from "highlight.js/lib/languages/r";
import rust from "highlight.js/lib/languages/rust";
import sql from "highlight.js/lib/languages/sql";
import typescript from "highlight.js/lib/languages/typescript";
import xml from "highlight.js/lib/languages/xml";
import yaml from "highlight.js/lib/languages/yaml";
import { createLowlight } from "lowlight";
import type { HastRoot } from "../markdown/code";

const lowlight = createLowlight({
  bash,
  c,
  cpp,
  css,
  diff,
  go,
  java,
  javascript,
  json,
  julia,
  markdown,
  python,
  "python-repl": pythonRepl,
  r,
  rust,
  sql,
  typescript,
  xml,
  yaml,
});
lowlight.registerAlias({ bash: ["shell", "console"], python: ["ipython", "python3"] });

/**
 * Highlight code.
 *
 * @returns a hast root of spans with classes `nb-hl-…`, or null when the language is unknown.
 */
export function highlight(code: string, lang: string): HastRoot | null {
  const name = lang.toLowerCase();
  if (!lowlight.registered(name)) return null;
  return lowlight.highlight(name, code, { prefix: "nb-hl-" }) as HastRoot;
}
