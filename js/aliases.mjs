// markdown-it brings a linkifier with rules of its own; ours are GitHub's. Bundle and tests use the
// same.
import { fileURLToPath } from "node:url";

export const aliases = {
  "linkify-it": fileURLToPath(new URL("src/markdown/autolink.ts", import.meta.url)),
};
