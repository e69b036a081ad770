// Bundles the view into ../nbagent/static: the base module every widget carries, and the parts it asks for when needed.
import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { aliases } from "./aliases.mjs";
import { lean } from "./lean.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const out = join(here, "../nbagent/static");
// `_esm` is stored in, and sent for, every single widget.
const BASE_LIMIT = 150_000;

const { version } = JSON.parse(await readFile(join(here, "package.json"), "utf8"));
const shared = {
  absWorkingDir: here,
  bundle: true,
  minify: true,
  target: "es2022",
  legalComments: "none", // the notices go into a file of their own
  metafile: true,
  charset: "utf8",
  logLevel: "warning",
};
const script = {
  ...shared,
  format: "esm",
  platform: "browser",
  jsx: "automatic",
  jsxImportSource: "preact",
  alias: aliases,
  plugins: [lean],
  define: { NBAGENT_VERSION: JSON.stringify(version) },
};

// A part that draws is a function of what it takes from the base module: src/kit.ts.
const drawing = {
  ...script,
  format: "cjs",
  external: ["preact", "preact/*", "@preact/signals"],
  banner: { js: "export default (require) => { const module = {};" },
  footer: { js: "return module.exports; };" },
};

await mkdir(out, { recursive: true });
const built = await Promise.all([
  build({ ...script, entryPoints: ["src/index.tsx"], outfile: join(out, "widget.js") }),
  build({ ...shared, entryPoints: ["src/styles/index.css"], outfile: join(out, "widget.css") }),
  build({ ...script, entryPoints: ["src/parts/math.ts"], outfile: join(out, "math.js") }),
  build({ ...script, entryPoints: ["src/parts/highlight.ts"], outfile: join(out, "highlight.js") }),
  build({ ...drawing, entryPoints: ["src/inspector/index.tsx"], outfile: join(out, "inspector.js") }),
]);

for (const name of ["widget.js", "widget.css", "math.js", "highlight.js", "inspector.js"]) {
  const { size } = await stat(join(out, name));
  process.stdout.write(`${name.padEnd(14)}${(size / 1000).toFixed(1).padStart(7)} KB\n`);
  if (name === "widget.js" && size >= BASE_LIMIT) {
    process.stderr.write(
      `widget.js is ${size} bytes; the limit is ${BASE_LIMIT}. Every widget stores and sends it: move what is not needed at once into src/parts.\n`,
    );
    process.exitCode = 1;
  }
}

// The bundles carry other people's work: their licences come along.
const inside = built.flatMap(({ metafile }) => Object.keys(metafile.inputs));
const packages = new Set(inside.flatMap((path) => path.match(/node_modules\/((?:@[^/]+\/)?[^/]+)/)?.[1] ?? []));
const notices = await Promise.all([...packages].sort().map(notice));
await writeFile(join(out, "THIRD-PARTY-LICENSES.txt"), notices.join(`\n${"-".repeat(80)}\n\n`));

async function notice(name) {
  const home = join(here, "node_modules", name);
  const about = JSON.parse(await readFile(join(home, "package.json"), "utf8"));
  const licence = (await readdir(home)).find((file) => /^licen[sc]e/i.test(file));
  const text = licence ? await readFile(join(home, licence), "utf8") : `Licence: ${about.license}\n`;
  return `${name} ${about.version} (${about.license})\n\n${text}`;
}
