// Bundles the view into ../nbagent/static: the front end, which a page gets once, the loader, which
// is the script of every run's widget, the parts that the front end asks a kernel for on first
// need, and the web page of nbagent's server.
import { createHash } from "node:crypto";
import { copyFile, mkdir, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { aliases } from "./aliases.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const out = join(here, "../nbagent/static");
const FRONT_END = "widget.js";
const LOADER = "loader.js";
// The front end is sent once by each kernel and evaluated once in a page, before the first run is
// drawn. The loader is sent with every run: with all else one more short answer may take 12 KB.
// Some kinds of blocks more fit; a library that is needed now and then is a part.
const LIMITS = { [FRONT_END]: 245_000, [LOADER]: 2_000, "page.js": 246_000 };

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
};
const hash = (text) => createHash("sha256").update(text).digest("hex").slice(0, 12);

// A part that draws is a function of what it takes from the front end: src/shared-runtime.ts.
const drawing = {
  ...script,
  format: "cjs",
  external: ["preact", "preact/*", "@preact/signals"],
  banner: { js: "export default (require) => { const module = {};" },
  footer: { js: "return module.exports; };" },
};

await rm(out, { recursive: true, force: true });
await mkdir(out, { recursive: true });
const styleOf = (entry) => build({ ...shared, entryPoints: [entry], write: false });
const drawn = ["inspector", "answering", "forks", "media", "table"]; // folders of parts that draw
const folders = ["styles/index.css", ...drawn.map((name) => `${name}/style.css`)];
const sheets = await Promise.all(folders.map((path) => styleOf(`src/${path}`)));
const texts = sheets.map(({ outputFiles }) => outputFiles[0].text);
// Rules hold for one version of the front end only: two kernels with different versions may share a
// page.
const className = `nbagent-${hash(texts.join(""))}`;
const [style, ...partStyles] = texts.map((css) => ({
  NBAGENT_STYLE: JSON.stringify({
    className,
    css: css.replaceAll(/\.nbagent(?![\w-])/g, `.${className}`),
  }),
}));
const bundle = (options, entry, name, define = {}) =>
  build({ ...options, entryPoints: [entry], outfile: join(out, name), define });
const built = await Promise.all([
  bundle(script, "src/index.tsx", FRONT_END, style),
  bundle(script, "src/page/index.tsx", "page.js", style),
  bundle(shared, "src/page/style.css", "page.css"),
  bundle(script, "src/parts/math.ts", "math.js"),
  bundle(script, "src/parts/highlight.ts", "highlight.js"),
  ...drawn.map((name, index) =>
    bundle(drawing, `src/${name}/index.tsx`, `${name}.js`, partStyles[index]),
  ),
]);
built.push(...sheets);
const NBAGENT_FRONT_END = JSON.stringify(hash(await readFile(join(out, FRONT_END))));
built.push(
  await build({
    ...script,
    entryPoints: ["src/loader.ts"],
    outfile: join(out, LOADER),
    define: { NBAGENT_FRONT_END },
  }),
);

await copyFile(join(here, "src/page/page.html"), join(out, "page.html"));
const written = (await readdir(out)).filter((name) => /\.(?:js|css)$/.test(name));
for (const name of written) {
  const { size } = await stat(join(out, name));
  process.stdout.write(`${name.padEnd(14)}${(size / 1000).toFixed(1).padStart(7)} KB\n`);
  if (size > LIMITS[name]) {
    process.stderr.write(
      `${name} is ${size} bytes; the limit is ${LIMITS[name]}: ` +
        "move what is not needed at once into src/parts.\n",
    );
    process.exitCode = 1;
  }
}

// The bundles carry other people's work: their licences come along.
const inside = built.flatMap(({ metafile }) => Object.keys(metafile.inputs));
const packages = new Set(
  inside.flatMap((path) => path.match(/node_modules\/((?:@[^/]+\/)?[^/]+)/)?.[1] ?? []),
);
const notices = await Promise.all([...packages].sort().map(notice));
await writeFile(join(out, "THIRD-PARTY-LICENSES.txt"), notices.join(`\n${"-".repeat(80)}\n\n`));

async function notice(name) {
  const home = join(here, "node_modules", name);
  const about = JSON.parse(await readFile(join(home, "package.json"), "utf8"));
  const licence = (await readdir(home)).find((file) => /^licen[sc]e/i.test(file));
  const text = licence
    ? await readFile(join(home, licence), "utf8")
    : `Licence: ${about.license}\n`;
  return `${name} ${about.version} (${about.license})\n\n${text}`;
}
