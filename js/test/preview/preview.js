/** Mounts the built widget once per scene. `?theme=light|dark`, `?jp=1` (JupyterLab's variables), `?scene=<text>`. */
import widget from "/nbagent/static/widget.js";
import { LocalModel } from "./model.js";
import { SCENES } from "./scenes.js";

const JUPYTERLAB = {
  light:
    "--jp-layout-color0:#fff;--jp-layout-color1:#fff;--jp-border-color2:#e0e0e0;--jp-ui-font-color1:rgba(0,0,0,.87);--jp-ui-font-color2:rgba(0,0,0,.54);--jp-brand-color1:#1976d2;--jp-success-color1:#388e3c;--jp-error-color1:#d32f2f;--jp-warn-color1:#f57c00",
  dark: "--jp-layout-color0:#111;--jp-layout-color1:#212121;--jp-border-color2:#424242;--jp-ui-font-color1:rgba(255,255,255,1);--jp-ui-font-color2:rgba(255,255,255,.7);--jp-brand-color1:#2196f3;--jp-success-color1:#4caf50;--jp-error-color1:#f44336;--jp-warn-color1:#ff9800",
};

const query = new URLSearchParams(location.search);
const theme = query.get("theme") ?? "light";
document.documentElement.style.colorScheme = theme;
document.body.dataset.jpThemeLight = String(theme === "light");
if (query.has("jp")) document.body.style.cssText = `${JUPYTERLAB[theme]};background:var(--jp-layout-color0)`;

async function answer(message, model) {
  if (message.t !== "need") return;
  if (message.name.startsWith("result/")) return;
  const text = await (await fetch(`/nbagent/static/${message.name}`)).text();
  model.receive({ t: "part", name: message.name, at: 0, text, size: text.length });
}

const models = {};
const now = Date.now() / 1000;
let number = 0;
for (const [title, scene] of Object.entries(SCENES)) {
  if (!title.toLowerCase().includes((query.get("scene") ?? "").toLowerCase())) continue;
  const head = { name: "analyst", model: "demo", status: "running", started: now - 1 };
  const model = new LocalModel({ run_id: `run-${++number}`, head }, answer);
  models[title] = model;
  const article = document.createElement("article");
  const heading = document.createElement("h2");
  heading.textContent = title;
  const el = document.createElement("div");
  article.append(heading, el);
  document.querySelector("main").append(article);
  widget.initialize({ model });
  widget.render({ model, el });
  const ops = scene((ago) => now - ago);
  if (ops) model.receive({ t: "ops", seq: 1, now, ops });
}
window.models = models;
window.ready = true;
