/** The static copies in the notebook: kept current by the view, and hidden where the view is. */

import { afterEach, describe, expect, it, vi } from "vitest";
import { open, ownClock, type Page, settle } from "./support";

type Json = Record<string, unknown>;

type Slot = (sender: unknown, value: unknown) => void;

/** A notebook as JupyterLab's widget manager offers it: one cell with these outputs. */
class Notebook {
  readonly kernel = {
    clientId: "here",
    statusChanged: {
      connect: (slot: Slot) => this.#slots.add(slot),
      disconnect: (slot: Slot) => this.#slots.delete(slot),
    },
    connectionStatusChanged: silent(),
    disposed: silent(),
    interrupt: async () => {},
  };
  readonly context: Json;
  readonly #slots = new Set<Slot>();

  /**
   * @param pages - ids of the pages that have it open in a collaboration.
   * @param page - id of this one.
   */
  constructor(
    readonly outputs: { data: Json; metadata: Json }[],
    pages: number[] = [],
    page = 0,
  ) {
    const awareness = { clientID: page, getStates: () => new Map(pages.map((id) => [id, {}])) };
    this.context = {
      model: {
        cells: [{ id: "cell", outputs: this }, {}],
        collaborative: pages.length > 0,
        sharedModel: { awareness },
      },
    };
  }

  die() {
    for (const slot of this.#slots) slot(null, "dead");
  }

  get length() {
    return this.outputs.length;
  }

  get(index: number) {
    return this.outputs[index];
  }

  add(output: { data: Json; metadata: Json }) {
    this.outputs.push(output);
  }

  set(index: number, output: { data: Json; metadata: Json }) {
    this.outputs[index] = output;
  }
}

function silent() {
  return { connect: () => true, disconnect: () => true };
}

function copy(domKey: string, events: number) {
  return {
    data: { "text/html": `<div data-nbagent-twin="${domKey}">${events} events</div>` },
    metadata: { nbagent: { events } },
  };
}

let page: Page;
afterEach(() => page.close());
ownClock();

/** Opens a run in a notebook with these outputs; the widget was shown by the client `here`. */
function openIn(notebook: Notebook, traits: Json = {}, isDrawn = true): Page {
  const all = { dom_key: "key", client: "here", ...traits };
  return open({ name: "a", status: "running" }, notebook, [], all, isDrawn);
}

function run(status: string, events: number, copied = events) {
  page.ops([
    "open",
    "run",
    null,
    { kind: "run", status, events, copied, started: Date.now() / 1000 },
  ]);
}

/** Answers the latest request of that kind. */
function answer(kind: string, ...outputs: unknown[]): void {
  const asked = page.sent("need").at(-1);
  expect(asked).toMatchObject({ name: expect.stringMatching(`^${kind}/`) });
  const text = JSON.stringify({ cell: "cell", outputs });
  page.model.receive({ t: "part", name: asked?.name, at: 0, text, size: text.length });
}

describe("the copy of a run that has ended", () => {
  it("is left alone if it is whole", async () => {
    page = openIn(new Notebook([copy("key", 9)]));
    run("completed", 9);
    await settle(3_600_000);
    expect(page.sent("need")).toEqual([]);
  });

  it("is read from the kernel and replaced if it holds too little", async () => {
    const notebook = new Notebook([copy("other", 1), copy("key", 0), { data: {}, metadata: {} }]);
    page = openIn(notebook);
    run("completed", 9);
    await settle(2000);
    answer("static-copy", copy("key", 9));
    await settle(1000);
    expect(notebook.outputs.slice(0, 2)).toMatchObject([copy("other", 1), copy("key", 9)]);
    await settle(3_600_000);
    expect(page.sent("need")).toHaveLength(1);
  });

  it("has four seconds to come before it is read, since the kernel says nothing of it", async () => {
    const notebook = new Notebook([copy("key", 0)]);
    page = openIn(notebook);
    run("running", 9, 0);
    page.ops(["set", "run", { status: "completed", events: 10 }]);
    await settle(3900);
    expect(page.sent("need")).toEqual([]);
    await settle(200);
    answer("static-copy", copy("key", 10));
    await settle(100);
    expect(notebook.outputs).toMatchObject([copy("key", 10)]);
  });

  it("is asked for until it has come", async () => {
    const notebook = new Notebook([copy("key", 0)]);
    page = openIn(notebook);
    run("completed", 9);
    await settle(20_000);
    expect(page.sent("need")).toHaveLength(3);
    answer("static-copy", copy("key", 9));
    await settle(100);
    expect(notebook.outputs).toMatchObject([copy("key", 9)]);
  });

  it("is not asked for once the view is closed", async () => {
    page = openIn(new Notebook([copy("key", 0)]));
    run("completed", 9);
    await settle(100);
    page.close();
    await settle(3_600_000);
    expect(page.sent("need")).toHaveLength(1);
  });
});

describe("the copy of a run that goes on", () => {
  it("is looked at each time that the kernel has sent one, and at no other time", async () => {
    const notebook = new Notebook([copy("key", 10)]);
    page = openIn(notebook);
    run("running", 30, 10);
    for (let events = 31; events < 3000; events += 100) {
      page.ops(["set", "run", { events }]);
      await settle(10_000);
    }
    expect(page.sent("need")).toEqual([]);
    page.ops(["set", "run", { copied: 3000 }]);
    await settle(100);
    answer("static-copy", copy("key", 3100));
    await settle(100);
    expect(notebook.outputs).toMatchObject([copy("key", 3100)]);
    await settle(3_600_000);
    expect(page.sent("need")).toHaveLength(1);
  });

  it("is read again if the next one was sent meanwhile", async () => {
    const notebook = new Notebook([copy("key", 0)]);
    page = openIn(notebook);
    run("running", 30, 10);
    await settle(100);
    page.ops(["set", "run", { copied: 20 }]);
    answer("static-copy", copy("key", 10));
    await settle(5000);
    answer("static-copy", copy("key", 20));
    await settle(3_600_000);
    expect(notebook.outputs).toMatchObject([copy("key", 20)]);
    expect(page.sent("need").map(({ name }) => name)).toEqual(["static-copy/10", "static-copy/20"]);
  });

  it("is asked for again if the kernel had none to give", async () => {
    page = openIn(new Notebook([copy("key", 0)]));
    run("running", 30, 10);
    await settle(100);
    page.model.receive({
      t: "part",
      name: "static-copy/10",
      at: 0,
      error: "another value is being read",
    });
    await settle(5000);
    expect(page.sent("need")).toHaveLength(2);
  });

  it("is left to the page that has shown the run until a reader looks at this one", async () => {
    const visible = vi.spyOn(document, "visibilityState", "get").mockReturnValue("hidden");
    page = openIn(new Notebook([copy("key", 0)]), { client: "elsewhere" });
    run("running", 30, 10);
    await settle(60_000);
    expect(page.sent("need")).toEqual([]);
    visible.mockReturnValue("visible");
    document.dispatchEvent(new Event("visibilitychange"));
    await settle(100);
    expect(page.sent("need")).toHaveLength(1);
    visible.mockRestore();
  });
});

describe("a copy in a notebook that several pages have open", () => {
  const pages = [30, 7, 3];

  it("is put there at once by the page that has shown the run", async () => {
    page = openIn(new Notebook([copy("key", 0)], pages, 7));
    run("running", 30, 10);
    await settle(100);
    expect(page.sent("need")).toHaveLength(1);
  });

  it("is put there by another page when those before it have had their turn", async () => {
    page = openIn(new Notebook([copy("key", 0)], pages, 7), { client: "elsewhere" });
    run("running", 30, 10);
    await settle(5900);
    expect(page.sent("need")).toEqual([]);
    await settle(1700);
    expect(page.sent("need")).toHaveLength(1);
  });

  it("is left alone if another page was faster", async () => {
    const notebook = new Notebook([copy("key", 0)], pages, 7);
    page = openIn(notebook, { client: "elsewhere" });
    run("running", 30, 10);
    await settle(1000);
    notebook.outputs[0] = copy("key", 10);
    await settle(60_000);
    expect(page.sent("need")).toEqual([]);
  });
});

describe("when the kernel is gone", () => {
  const held = { events: 10, blocks: 2, open: { t: 4 } };
  const half = () => ({ ...copy("key", 10), metadata: { nbagent: held, other: 1 } });
  const grow = () =>
    page.ops(
      ["open", "t", "run", { kind: "text", text: "half" }],
      ["append", "t", "text", " <whole>"],
    );

  it("the copy gets what the view alone has, once", async () => {
    const notebook = new Notebook([half(), copy("other", 1)]);
    page = openIn(notebook);
    run("running", 30, 10);
    grow();
    await settle();
    expect(notebook.outputs[0]).toEqual(half());
    notebook.die();
    await settle();
    document.dispatchEvent(new Event("visibilitychange"));
    await settle(10_000);
    const html = String(notebook.outputs[0]?.data["text/html"]);
    expect(html.split(" &lt;whole&gt;")).toHaveLength(2);
    expect(notebook.outputs[0]).toMatchObject({
      output_type: "display_data",
      metadata: { other: 1 },
    });
    expect(notebook.outputs[1]).toEqual(copy("other", 1));
  });

  it("a copy that has all is left alone", async () => {
    const notebook = new Notebook([half()]);
    page = openIn(notebook);
    run("running", 30, 10);
    page.ops(["open", "t", "run", { kind: "text", text: "half" }]);
    notebook.die();
    await settle(10_000);
    expect(notebook.outputs).toEqual([half()]);
  });

  it("a view that the kernel has closed, as that of an old run, changes nothing", async () => {
    const notebook = new Notebook([half()]);
    page = openIn(notebook);
    run("running", 30, 10);
    grow();
    await settle();
    page.model.trigger("comm:close");
    page.close();
    await settle(10_000);
    expect(notebook.outputs).toEqual([half()]);
  });
});

describe("the outputs of a new widget", () => {
  const fresh = { from_start: true };
  const view = { data: { "text/html": "<span></span>" }, metadata: { nbagent: { view: "key" } } };

  it("are put into their cell if they have not come", async () => {
    const notebook = new Notebook([{ data: { "text/plain": "printed" }, metadata: {} }]);
    page = openIn(notebook, fresh, false);
    await settle(5000);
    answer("outputs", view, copy("key", 1));
    await settle(3_600_000);
    expect(notebook.outputs.slice(1)).toMatchObject([view, copy("key", 1)]);
    expect(page.sent("need").filter(({ name }) => String(name).startsWith("outputs"))).toHaveLength(
      1,
    );
  });

  it("are not put there twice if they come late", async () => {
    const notebook = new Notebook([]);
    page = openIn(notebook, fresh, false);
    await settle(5000);
    notebook.outputs.push(view);
    answer("outputs", view, copy("key", 1));
    await settle(1000);
    expect(notebook.outputs).toEqual([view]);
  });

  it.each([
    ["is drawn somewhere", fresh, true, []],
    ["stands in the notebook", fresh, false, [view]],
    ["was shown by another page", { ...fresh, client: "elsewhere" }, false, []],
    ["was shown by something else than a cell", { ...fresh, client: "" }, false, []],
    ["was restored after a reload", { from_start: false }, false, []],
  ])("are not asked for if the widget %s", async (_, traits, isDrawn, outputs) => {
    page = openIn(new Notebook(outputs), traits, isDrawn);
    await settle(100_000);
    expect(page.sent("need")).toEqual([]);
  });
});

describe("where a live view is in the page", () => {
  it("the innermost output with the copy is hidden, not the output that holds it", async () => {
    page = openIn(new Notebook([]));
    const outer = document.createElement("div");
    outer.className = "jp-OutputArea-child";
    outer.innerHTML = `<button>user's</button><div class="jp-OutputArea-child"><p data-nbagent-twin="key"></p></div>`;
    document.body.append(outer);
    await settle();
    const hidden = (element: Element | null) =>
      element !== null && getComputedStyle(element).display === "none";
    expect(hidden(outer)).toBe(false);
    expect(hidden(outer.querySelector(".jp-OutputArea-child"))).toBe(true);
    expect(hidden(outer.querySelector("p"))).toBe(true);
  });
});
