/** Puts views of the built widget into any page, each with a model that has nothing behind it. */
import widget from "/nbagent/static/widget.js";
import { LocalModel } from "./model.js";
import { SCENES } from "./scenes.js";

let number = 0;

async function answer(message, model) {
  if (message.t !== "need" || message.name.startsWith("result/")) return;
  const text = await (await fetch(`/nbagent/static/${message.name}`)).text();
  model.receive({ t: "part", name: message.name, at: 0, text, size: [...text].length });
}

/** One view below `parent`, and the hand that plays its kernel. */
export function openView(parent) {
  const run_id = `run-${++number}`;
  const head = {
    name: "analyst",
    model: "demo",
    status: "running",
    started: Date.now() / 1000 - 1,
  };
  const model = new LocalModel({ run_id, dom_key: run_id, head }, answer);
  const el = document.createElement("div");
  parent.append(el);
  const dispose = widget.initialize({ model });
  const close = widget.render({ model, el });
  let seq = 0;
  return {
    model,
    el,
    ops: (...ops) => model.receive({ t: "ops", seq: ++seq, now: Date.now() / 1000, ops }),
    close() {
      close();
      dispose();
      el.remove();
    },
  };
}

/** The scenes whose title holds `filter`, each below its title. */
export function openScenes(parent, filter = "") {
  const now = Date.now() / 1000;
  for (const [title, scene] of Object.entries(SCENES)) {
    if (!title.toLowerCase().includes(filter.toLowerCase())) continue;
    const article = document.createElement("article");
    const heading = document.createElement("h2");
    heading.textContent = title;
    article.append(heading);
    parent.append(article);
    const view = openView(article);
    const ops = scene((ago) => now - ago);
    if (ops) view.ops(...ops);
  }
}
