// Prints the schema of the chunks of the UI message stream, `uiMessageChunkSchema` of the npm packages `ai`, as JSON Schema by the
// names of nbagent's systems: `node vercel_ui.mjs <folder of the clients>`. The packages hand out a validator only, so the zod schema
// is taken out of a copy of their code.
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const folder = process.argv[2];
const load = createRequire(join(folder, "package.json"));
const { toJSONSchema } = await import(pathToFileURL(load.resolve("zod/v4")));
const DEFINED = /(\buiMessageChunkSchema = .*?)\bzodSchema[$\w]*\(/s;

async function schemaOf(name) {
  const home = join(folder, "node_modules", name);
  const manifest = JSON.parse(readFileSync(join(home, "package.json"), "utf-8"));
  const code = readFileSync(join(home, manifest.exports["."].import), "utf-8");
  const copy = join(home, "dist", "nbagent-schema.mjs"); // beside the modules that it imports
  writeFileSync(copy, code.replace(DEFINED, "$1((schema) => schema)("));
  try {
    const { uiMessageChunkSchema } = await import(pathToFileURL(copy));
    const zod = typeof uiMessageChunkSchema === "function" ? uiMessageChunkSchema() : uiMessageChunkSchema;
    // The one check in code: the type of a data chunk.
    const override = ({ zodSchema, jsonSchema }) => {
      if (zodSchema._zod.def.type === "custom") Object.assign(jsonSchema, { type: "string", pattern: "^data-" });
    };
    const schema = toJSONSchema(zod, { io: "input", unrepresentable: "any", override });
    return { source: `ai ${manifest.version}`, schema };
  } finally {
    rmSync(copy);
  }
}

const schemas = { "vercel.ui": await schemaOf("ai"), "vercel.ui.v5": await schemaOf("ai5") };
process.stdout.write(`${JSON.stringify(schemas, null, 1)}\n`);
