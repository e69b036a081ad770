/**
 * Plays recorded runs: the notebook's own view, fed with the messages that it was once sent. Nobody answers it, since there is no
 * kernel. A page says `<figure class="player" data-ops="…">`.
 */

const READER_PAGE_CHARS = 40_000;
const still = matchMedia("(prefers-reduced-motion: reduce)");
let front;
let count = 0;

/** A model as anywidget has it, without a kernel behind it. */
class Model {
  #handlers = new Map();
  #state;

  constructor(key) {
    this.#state = { run_id: key, dom_key: key, from_start: true, head: null };
  }

  get(name) {
    return this.#state[name];
  }

  on(name, handler) {
    if (!this.#handlers.has(name)) this.#handlers.set(name, new Set());
    this.#handlers.get(name).add(handler);
  }

  off(name, handler) {
    this.#handlers.get(name)?.delete(handler);
  }

  emit(message) {
    for (const handler of this.#handlers.get("msg:custom") ?? []) handler(message);
  }

  /** The view asks for a lazy part of itself; all else would be for a kernel. */
  async send(message) {
    if (message.t !== "need" || !/^\w+\.js$/.test(message.name)) return;
    const text = [...(await (await fetch(new URL(`view/${message.name}`, import.meta.url))).text())];
    const part = text.slice(message.at, message.at + READER_PAGE_CHARS).join("");
    this.emit({ t: "part", name: message.name, at: message.at, text: part, size: text.length });
  }
}

/** Draw a recording from its beginning, and return a function that ends it. */
function play(recording, place, whole) {
  const model = new Model(`player-${++count}`);
  const end = front.initialize({ model });
  const unmount = front.render({ model, el: place });
  const timers = recording.map(([seconds, message]) =>
    setTimeout(() => model.emit(message), whole ? 0 : 1000 * (seconds - recording[0][0])),
  );
  return () => {
    timers.forEach(clearTimeout);
    unmount?.();
    end?.();
    place.replaceChildren();
  };
}

async function start(figure) {
  const [recording, view] = await Promise.all([
    fetch(figure.dataset.ops).then((response) => response.json()),
    import("./view/widget.js"),
  ]);
  front ??= view.default;
  const place = document.createElement("div");
  const caption = document.createElement("figcaption");
  const again = document.createElement("button");
  again.type = "button";
  again.textContent = "Play again";
  caption.append("A recorded run, drawn by the notebook's own view. Nobody answers its buttons. ", again);
  figure.replaceChildren(place, caption);
  // The page's styles do not reach into it.
  const inside = place.attachShadow({ mode: "open" }).appendChild(document.createElement("div"));
  let stop = play(recording, inside, still.matches);
  again.onclick = () => {
    stop();
    stop = play(recording, inside, false);
  };
}

const seen = new IntersectionObserver((entries) => {
  for (const { isIntersecting, target } of entries) {
    if (!isIntersecting) continue;
    seen.unobserve(target);
    start(target);
  }
});
for (const figure of document.querySelectorAll("figure.player")) seen.observe(figure);
