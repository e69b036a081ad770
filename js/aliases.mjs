// Big tables of markdown-it's dependencies that a browser has built in; bundle and tests use the same stand-ins.
import { fileURLToPath } from "node:url";

const lean = (name) => fileURLToPath(new URL(`src/lean/${name}.ts`, import.meta.url));

export const aliases = {
  entities: lean("entities"),
  "linkify-it": lean("linkify"),
  mdurl: lean("mdurl"),
  "punycode.js": lean("mdurl"),
  "uc.micro": lean("unicode"),
};
