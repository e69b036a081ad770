// What stands in for packages that markdown-it brings. Its linkifier has rules of its own; ours are
// GitHub's. Its tables of Unicode and of HTML's character references are in every browser. Bundle
// and tests use the same.
import { fileURLToPath } from "node:url";

const source = (name) => fileURLToPath(new URL(`src/markdown/${name}`, import.meta.url));

export const aliases = {
  "linkify-it": source("autolink.ts"),
  entities: source("entities.ts"),
  "uc.micro": source("punctuation.ts"),
};
