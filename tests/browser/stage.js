// The page of the safety campaign: faces are drawn here, and judged by what may exist, not by what is known to be bad.

const SVG = "http://www.w3.org/2000/svg";
const MATHML = "http://www.w3.org/1998/Math/MathML";
const words = (text) => new Set(text.split(/\s+/));

/** Signs of life of an attack: scripts that ran, policies that were broken. */
window.alarms = [];
for (const name of ["alert", "confirm", "prompt", "print", "open", "canary"]) {
  window[name] = (...args) => void window.alarms.push(`${name}(${args.map(String).join().slice(0, 100)}) was called`);
}
window.addEventListener("error", ({ message }) => {
  if (message) window.alarms.push(`error: ${message}`);
});
window.addEventListener("unhandledrejection", (event) => window.alarms.push(`rejection: ${event.reason}`));
document.addEventListener("securitypolicyviolation", (event) => {
  window.alarms.push(`policy: ${event.effectiveDirective} ${event.blockedURI} ${event.sample}`);
});

const TEXT_TAGS =
  "div span p section header footer h1 h2 h3 h4 h5 h6 ul ol li dl dt dd blockquote pre code em strong b i u s small sub sup " +
  "mark del ins abbr cite q var kbd samp br hr table caption colgroup col thead tbody tfoot tr th td img a input";
const TEXT_ATTRS =
  "class title role dir lang start reversed type checked disabled colspan rowspan scope align valign span alt datetime " +
  "aria-hidden aria-label aria-live aria-pressed aria-expanded aria-controls aria-busy aria-atomic aria-labelledby aria-describedby tabindex";

/** What each face may make. */
const RULES = {
  widget: {
    tags: words(`${TEXT_TAGS} button progress summary details figure figcaption form label textarea select option`),
    attrs: words(
      `${TEXT_ATTRS} open value max data-open data-moving data-text data-lanes data-nbagent-live data-nbagent-run data-lm-suppress-shortcuts inert aria-disabled ` +
        "for min step rows placeholder novalidate spellcheck autocomplete inputmode maxlength aria-invalid aria-haspopup",
    ),
    inputs: words("checkbox text range date time datetime-local"),
  },
  twin: {
    tags: words(`${TEXT_TAGS} details summary figure figcaption style`),
    attrs: words(`${TEXT_ATTRS} open aria-level data-nbagent-twin style`),
    inputs: words("checkbox"),
  },
};
const SVG_TAGS = words("svg g path circle rect");
const SVG_ATTRS = words("class viewBox aria-hidden d cx cy r x y width height rx fill");
const MATH_TAGS = words(
  "math mrow mi mn mo ms mtext mspace mfrac msqrt mroot mstyle mpadded mphantom merror menclose msub msup msubsup munder " +
    "mover munderover mmultiscripts mprescripts none mtable mtr mtd",
);
const MATH_ATTRS = words(
  "class display displaystyle scriptlevel mathvariant mathcolor mathbackground mathsize stretchy symmetric fence separator " +
    "form largeop movablelimits minsize maxsize lspace rspace accent accentunder linethickness width height depth voffset " +
    "notation columnalign columnspacing columnlines rowalign rowspacing rowlines columnspan rowspan linebreak dir",
);
const FOLLOWED = /^(?:https?:\/\/[^/]|mailto:)/i;
const DOWNLOADED = /^data:application\/octet-stream;base64,/;
const SHOWN = /^data:image\/(?:png|jpeg|gif|webp|svg\+xml)[;,]/;
const FETCHES = /url|image-set|image\(|src\(|expression|behavior|-moz-binding|var\(|attr\(|@|\\|position|z-index/i;

/** Everything in the tree that has no business there. */
function faults(root, face) {
  const rules = RULES[face];
  const found = [];
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_COMMENT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    if (node.nodeType === Node.COMMENT_NODE) {
      found.push(`comment ${node.data.slice(0, 60)}`);
      continue;
    }
    const tag = node.localName;
    const [tags, attrs] =
      node.namespaceURI === SVG
        ? [SVG_TAGS, SVG_ATTRS]
        : node.namespaceURI === MATHML
          ? [MATH_TAGS, MATH_ATTRS]
          : [rules.tags, rules.attrs];
    if (!tags.has(tag)) found.push(`element ${tag}`);
    if (node.shadowRoot) found.push(`shadow root on ${tag}`);
    if (tag === "style" && FETCHES.test(node.textContent.replace(/\[data-nbagent-[^\]]*\]/g, ""))) found.push("style that fetches");
    for (const { name, value } of node.attributes) {
      const complaint = wrong(node, tag, name, value, attrs, rules.inputs);
      if (complaint) found.push(`${complaint} on ${tag}: ${name}=${value.slice(0, 80)}`);
    }
    if (tag === "a" && node.hasAttribute("href")) {
      const rel = words(node.getAttribute("rel") ?? "");
      if (!rel.has("noopener") || !rel.has("noreferrer") || node.target !== "_blank") found.push("link that is not sealed off");
    }
  }
  return found;
}

function wrong(node, tag, name, value, attrs, inputs) {
  if (name === "style") return FETCHES.test(value) ? "style that fetches or covers" : "";
  if (tag === "a" && name === "href") return FOLLOWED.test(value) || DOWNLOADED.test(value) ? "" : "address";
  if (tag === "a" && (name === "target" || name === "rel" || name === "download")) return "";
  if (tag === "img" && name === "src") return SHOWN.test(value) ? "" : "picture from afar";
  // A panel and the button that opens it, a field and its label; preact makes the name.
  if (name === "id") return /^(?:P[\d-]+|nb-[a-z\d]+-\d+)(?:-[dp])?$/.test(value) ? "" : "id";
  if (tag === "input" && name === "type") return inputs.has(value) ? "" : "input";
  return attrs.has(name) ? "" : "attribute";
}

/** A minimal host of an anywidget: one model, one view. */
class Host {
  #listeners = new Map();
  #traits;
  #parts;

  constructor(traits, parts) {
    this.#traits = traits;
    this.#parts = parts;
  }

  get(name) {
    return this.#traits[name];
  }

  on(name, callback) {
    this.#listeners.set(name, [...(this.#listeners.get(name) ?? []), callback]);
  }

  off(name, callback) {
    this.#listeners.set(
      name,
      (this.#listeners.get(name) ?? []).filter((listener) => listener !== callback),
    );
  }

  send(message) {
    if (message.t !== "need") return;
    const text = this.#parts[message.name];
    window.needed.push(message.name);
    const answer = text === undefined ? { error: "no such part" } : { text, size: [...text].length };
    queueMicrotask(() => this.say({ t: "part", name: message.name, at: message.at ?? 0, ...answer }));
  }

  say(message) {
    for (const listener of this.#listeners.get("msg:custom") ?? []) listener(message, []);
  }
}

let number = 0;
window.needed = [];
const shown = new Map();

const FACES = {
  /** `what`: a list of batches of ops; after each the page is judged. */
  widget(mount, what) {
    const runId = `run-${++number}`;
    const model = new Host({ run_id: runId, dom_key: runId, head: { name: "run", status: "running", started: 1 } }, window.parts);
    const abort = new AbortController();
    const stops = [
      window.widget.initialize({ model, signal: abort.signal, experimental: {} }),
      window.widget.render({ model, el: mount, signal: abort.signal, experimental: {} }),
    ];
    let seq = 0;
    const say = (ops) => model.say({ t: "ops", seq: ++seq, now: 5, ops });
    for (const ops of what) say(ops);
    return { say, close: () => void stops.map((stop) => stop?.()) };
  },
  /** `what`: HTML, taken in as a page is, so that its scripts run. */
  twin(mount, what) {
    mount.append(document.createRange().createContextualFragment(what));
    return { say() {}, close: () => mount.replaceChildren() };
  },
};

const paints = (times) =>
  new Promise((resolve) => {
    const next = () => (times-- > 0 ? requestAnimationFrame(() => setTimeout(next)) : resolve());
    next();
  });

/** Opens every fold and every form, so that nothing is judged unseen. */
async function unfold(root) {
  for (let tries = 0; tries < 100 && /Loading the answers/.test(root.textContent); tries++) await paints(1);
  for (const button of root.querySelectorAll(".nb-answering button")) if (button.textContent === "Edit…") button.click();
  await paints(1);
  for (let round = 0; round < 4; round++) {
    const closed = root.querySelectorAll("button[aria-expanded=false], details:not([open]) > summary");
    if (closed.length === 0) return;
    for (const button of closed) button.click();
    await paints(1);
  }
}

/** Draws one case and leaves it there. */
window.show = async (face, what) => {
  window.clear();
  const mount = document.createElement("div");
  document.getElementById("stage").append(mount);
  const { say, close } = FACES[face](mount, what);
  shown.set(mount, close);
  await paints(2);
  await unfold(mount);
  window.say = say;
};

window.clear = () => {
  for (const [mount, close] of shown) {
    close();
    mount.remove();
  }
  shown.clear();
};

/** Draws many cases at once and tells what is wrong with each. */
window.judge = async (face, cases) => {
  const mounts = cases.map((what) => {
    const mount = document.createElement("div");
    document.getElementById("stage").append(mount);
    shown.set(mount, FACES[face](mount, what).close);
    return mount;
  });
  await paints(3);
  await unfold(document.body);
  await paints(1);
  const found = mounts.map((mount) => faults(mount, face));
  const before = mounts.map((mount) => mount.getElementsByTagName("*").length);
  if (face === "widget" && before.some((count) => count < 10)) window.alarms.push("a view drew nothing");
  if (document.baseURI !== window.location.href) window.alarms.push(`addresses lead to ${document.baseURI}`);
  window.clear();
  const alarms = window.alarms.splice(0);
  return { found, alarms, elements: before.reduce((sum, count) => sum + count, 0) };
};

window.faults = faults;
window.unfold = unfold;
