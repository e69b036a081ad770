/** The widget as a host uses it: sessions, views, Stop, loss of the kernel. */

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { LocalModel } from "./preview/model.js";
import { open, ownClock, type Page, RUN, rowOf, settle, tool } from "./support";

ownClock();

let page: Page;
beforeEach(() => {
  page = open();
});
afterEach(() => page.close());

const button = (el: HTMLElement, label: string) =>
  [...el.querySelectorAll("button")].find((candidate) => candidate.textContent?.includes(label));

/** Words that screen readers were given last. */
const announced = () =>
  document.querySelector("body > [role=status]")?.lastElementChild?.textContent;

describe("before anything came", () => {
  it("shows who runs, a sign of life and Stop", async () => {
    await settle();
    expect(page.el.textContent).toContain("analyst");
    expect(page.el.textContent).toContain("Waiting for analyst…");
    expect(button(page.el, "Stop")).toBeDefined();
  });

  it("claims the page for the live view for 3 seconds, and longer only if the kernel answers", async () => {
    await settle();
    const live = () =>
      page.el.querySelector("[data-nbagent-live]")?.getAttribute("data-nbagent-live");
    const copy = document.createElement("div");
    copy.dataset.nbagentTwin = page.model.get("dom_key") as string;
    document.body.append(copy);
    const isCopyShown = () => getComputedStyle(copy).display !== "none";
    expect([live(), isCopyShown()]).toEqual([copy.dataset.nbagentTwin, false]);
    await settle(3000);
    expect([live(), isCopyShown()]).toEqual([undefined, true]);
    page.ops(RUN);
    await settle();
    expect([live(), isCopyShown()]).toEqual([copy.dataset.nbagentTwin, false]);
    page.close();
    expect(isCopyShown()).toBe(true);
    copy.remove();
  });

  it("shows no Stop for a run that is over", async () => {
    page.model.set("head", { name: "analyst", status: "completed" });
    await settle();
    expect(button(page.el, "Stop")).toBeUndefined();
    expect(page.el.textContent).not.toContain("Waiting");
  });
});

describe("Stop", () => {
  it("says Stopping… at once, asks the kernel once, and ends as Stopped by you", async () => {
    page.ops(RUN, ["open", "t", "run", { kind: "text", text: "half" }]);
    await settle();
    button(page.el, "Stop")?.click();
    button(page.el, "Stop")?.click();
    await settle();
    expect(page.sent("stop")).toEqual([{ t: "stop" }]);
    expect(button(page.el, "Stopping…")?.getAttribute("aria-disabled")).toBe("true");
    page.ops(
      ["set", "run", { status: "cancelled", stopped_by: "you", ended: 3 }],
      ["close", "t"],
      ["close", "run"],
    );
    await settle();
    expect(page.el.textContent).toContain("Stopped by you");
    expect(page.el.textContent).toContain("half");
    expect(button(page.el, "Stop")).toBeUndefined();
  });

  it("says why it has no effect yet, and can be pressed again", async () => {
    page.ops(RUN);
    button(page.el, "Stop")?.click();
    await settle(1400);
    expect(page.el.querySelector(".nb-banner")).toBeNull();
    await settle(200);
    expect(page.el.querySelector(".nb-banner")?.textContent).toBe(
      "The kernel is busy with a cell: this stops when the cell ends.",
    );
    expect(announced()).toContain("The kernel is busy");
    button(page.el, "Stopping…")?.click();
    expect(page.sent("stop")).toHaveLength(2);
    page.ops(["set", "run", { status: "stopping" }]);
    await settle(100);
    expect(page.el.querySelector(".nb-banner")?.textContent).toContain(
      "Asked to stop. If a cell keeps",
    );
    expect(page.el.textContent).toContain("Stopping…");
    page.ops(["set", "run", { status: "cancelled", ended: 3 }]);
    await settle(100);
    expect(page.el.querySelector(".nb-banner")).toBeNull();
  });
});

/** The kernel connection of JupyterLab's widget manager. */
class LabKernel {
  slots: Record<string, ((sender: unknown, value?: unknown) => void)[]> = {};
  interrupt = vi.fn(async () => {});
  statusChanged = this.#signal("status");
  connectionStatusChanged = this.#signal("connection");
  disposed = this.#signal("disposed");

  emit(name: string, value?: unknown): void {
    for (const slot of this.slots[name] ?? []) slot(this, value);
  }

  #signal(name: string) {
    const slots: ((sender: unknown, value?: unknown) => void)[] = [];
    this.slots[name] = slots;
    return {
      connect: (slot: (typeof slots)[0]) => slots.push(slot),
      disconnect: (slot: (typeof slots)[0]) => slots.splice(slots.indexOf(slot), 1),
    };
  }
}

describe("a kernel", () => {
  const liveKey = (el: HTMLElement) =>
    el.querySelector("[data-nbagent-live]")?.getAttribute("data-nbagent-live");
  let kernel: LabKernel;
  beforeEach(() => {
    page.close();
    kernel = new LabKernel();
    page = open(undefined, { kernel });
  });

  it("that is silent while the run lives is told by how long, is asked, and forgiven", async () => {
    page.ops(RUN);
    await settle(3100);
    expect(page.el.querySelector(".nb-status")?.textContent).toBe("No word from the kernel for 3s");
    await settle(7100);
    expect(announced()).toBe("No word from the kernel");
    expect(page.sent("hello")).toHaveLength(2);
    page.snapshot([{ id: "run", kind: "run", status: "running" }], 9);
    await settle(100);
    expect(page.el.querySelector(".nb-status")).toBeNull();
    expect(announced()).toBe("The kernel answers again");
  });

  it("that was silent for an hour is asked ever more seldom, and its answer repairs the view", async () => {
    page.ops(RUN, ["open", "t", "run", { kind: "text", text: "half" }]);
    await settle(3_600_000);
    const asked = page.sent("hello").length;
    expect(asked).toBeGreaterThan(7); // the channel gives up after six
    expect(asked).toBeLessThan(40);
    page.snapshot(
      [
        { id: "run", kind: "run", status: "completed", started: 1, ended: 2, closed: true },
        { id: "t", parent: "run", kind: "text", text: "whole", closed: true },
      ],
      9,
    );
    await settle(3_600_000);
    expect(page.el.textContent).toContain("whole");
    expect(page.el.querySelector(".nb-status")?.textContent).toBe("Done in 1.0s");
    expect(page.sent("hello")).toHaveLength(asked);
  });

  it.each([
    [
      "that its page is looked at again",
      () => document.dispatchEvent(new Event("visibilitychange")),
    ],
    ["that the computer is online again", () => window.dispatchEvent(new Event("online"))],
    ["that the kernel works", () => kernel.emit("status", "busy")],
  ])("that was silent is asked at once at a sign %s, but not at each", async (_, sign) => {
    page.ops(RUN);
    await settle(400_000);
    const asked = page.sent("hello").length;
    for (let times = 0; times < 10; times++) sign();
    expect(page.sent("hello")).toHaveLength(asked + 1);
    page.ops(RUN);
    sign();
    expect(page.sent("hello")).toHaveLength(asked + 1);
  });

  it.each([
    ["status", "restarting", "The kernel was restarted; this is what had come"],
    ["status", "autorestarting", "The kernel was restarted; this is what had come"],
    ["status", "dead", "The kernel is gone; this is what had come"],
    ["disposed", undefined, "The kernel is gone; this is what had come"],
  ])(
    "that ends under a run is told, and what is shown stays: %s %s",
    async (signal, value, words) => {
      page.ops(RUN, ["open", "t", "run", { kind: "text", text: "half" }]);
      await settle(1500);
      kernel.emit(signal, value);
      await settle(5000);
      expect(page.el.querySelector(".nb-status")?.textContent).toBe(words);
      expect(page.el.textContent).toContain("half");
      const stop = button(page.el, "Stop");
      expect(stop?.getAttribute("aria-disabled")).toBe("true");
      expect(stop?.title).not.toBe("");
      stop?.click();
      expect(page.sent("stop")).toHaveLength(0);
      expect(liveKey(page.el)).toBe(page.model.get("dom_key"));
      const time = page.el.querySelector(".nb-time")?.textContent;
      await settle(5000);
      expect(page.el.querySelector(".nb-time")?.textContent).toBe(time);
    },
  );

  it("that ends after the run is not mentioned, until a detail is asked for", async () => {
    const result = { "text/html": { part: "result/f/text/html", size: 20_000, head: "" } };
    page.ops(RUN, tool("f", { state: "output-available", result }), ["close", "f"]);
    page.ops(["set", "run", { status: "completed", ended: 3 }], ["close", "run"]);
    kernel.emit("status", "dead");
    await settle();
    expect(page.el.querySelector(".nb-status")?.textContent).toBe("Done in 2.0s");
    rowOf(page.el, "f").click();
    await settle();
    expect(page.el.textContent).toContain("Could not load this: the kernel cannot be reached.");
  });

  it("whose connection comes back is asked for all, and again for a stop that may be lost", async () => {
    page.ops(RUN);
    button(page.el, "Stop")?.click();
    kernel.emit("connection", "connecting");
    kernel.emit("connection", "connected");
    expect(page.sent("hello")).toHaveLength(2);
    expect(page.sent("stop")).toHaveLength(2);
  });

  it("can be interrupted where the host lets us, when Stop does not reach the kernel", async () => {
    page.ops(RUN);
    await settle();
    button(page.el, "Stop")?.click();
    await settle(1600);
    button(page.el, "Interrupt the kernel")?.click();
    expect(kernel.interrupt).toHaveBeenCalledTimes(1);
    kernel.interrupt.mockRejectedValueOnce(new Error("no"));
    button(page.el, "Interrupt the kernel")?.click();
    await settle();
    expect(page.el.textContent).toContain("could not be interrupted from here");
  });

  it("that never answers leaves the place to the static copy after three seconds, and takes it back when it does", async () => {
    await settle(2000);
    expect(liveKey(page.el)).toBe(page.model.get("dom_key"));
    await settle(1500);
    expect(liveKey(page.el)).toBeUndefined();
    page.ops(RUN);
    await settle();
    expect(liveKey(page.el)).toBe(page.model.get("dom_key"));
  });

  it("that was never there leaves it at once", async () => {
    const saved = open({ name: "analyst", status: "completed" }, { kernel: null });
    await settle();
    expect(liveKey(saved.el)).toBeUndefined();
    expect(saved.el.textContent).toContain(
      "The kernel that holds this transcript does not answer.",
    );
    saved.close();
  });

  it("is let go of with the view", () => {
    page.close();
    expect(Object.values(kernel.slots).flat()).toEqual([]);
  });
});

describe("views", () => {
  it("of one model share its state and are closed one by one", async () => {
    const second = page.view();
    page.ops(RUN, ["open", "t", "run", { kind: "text", text: "both" }]);
    await settle();
    expect(page.el.textContent).toContain("both");
    expect(second.el.textContent).toContain("both");
    expect(page.sent("hello")).toHaveLength(1);
    second.close();
    page.ops(["append", "t", "text", " still"]);
    await settle();
    expect(page.el.textContent).toContain("both still");
    expect(second.el.childNodes).toHaveLength(0);
  });

  it("keep their nodes and what was opened when a snapshot comes", async () => {
    page.ops(RUN, tool("load", { state: "output-available", args: { a: 1 } }), ["close", "load"]);
    page.ops(["open", "t", "run", { kind: "text", text: "Some *words*" }]);
    await settle();
    rowOf(page.el, "load").click();
    await settle(500);
    const before = [...page.el.querySelectorAll(".nb-row, .nb-panel, .nb-markdown > *")];
    page.snapshot(
      [
        { id: "run", kind: "run", name: "analyst", status: "running", started: 1 },
        {
          id: "load",
          parent: "run",
          kind: "tool",
          name: "load",
          state: "output-available",
          args: { a: 1 },
          closed: true,
        },
        { id: "t", parent: "run", kind: "text", text: "Some *words*" },
        { id: "u", parent: "run", kind: "text", text: "and more" },
      ],
      7,
    );
    await settle();
    expect(before).toHaveLength(3);
    expect(
      [...page.el.querySelectorAll(".nb-row, .nb-panel, .nb-markdown > *")].slice(0, 3),
    ).toEqual(before);
    expect(page.el.textContent).toContain("and more");
  });

  it("that had every message from the first on ask for no snapshot", async () => {
    const ops = [RUN, ["open", "t", "run", { kind: "text", text: "from the start" }]];
    const early = open(undefined, undefined, [{ t: "ops", seq: 1, now: 1, ops }]);
    const late = open(undefined, undefined, [
      { t: "ops", seq: 4, now: 1, ops: [["append", "t", "text", "more"]] },
    ]);
    await settle();
    expect(early.el.textContent).toContain("from the start");
    expect(early.sent("hello")).toHaveLength(0);
    expect(late.sent("hello")).toHaveLength(1);
    early.close();
    late.close();
  });

  it("that get every message from the first on ask for a snapshot only if the first does not come", async () => {
    const fromStart = open({ name: "analyst", status: "running" }, undefined, [], {
      from_start: true,
    });
    const resumed = open({ name: "analyst", status: "running" }, undefined, [], {
      from_start: true,
    });
    expect(resumed.sent("hello")).toHaveLength(0);
    fromStart.ops(RUN);
    await settle(1100);
    expect([fromStart.sent("hello").length, resumed.sent("hello").length]).toEqual([0, 1]);
    fromStart.close();
    resumed.close();
  });

  it("drawn later show everything", async () => {
    page.ops(
      RUN,
      ["open", "t", "run", { kind: "text", text: "" }],
      ["append", "t", "text", "early"],
    );
    const late = page.view();
    await settle();
    expect(late.el.textContent).toContain("early");
  });

  it("drawn twice into one element replace each other", async () => {
    const { default: widget } = await import("../src");
    const props = {
      model: page.model as never,
      experimental: undefined as never,
      host: undefined as never,
    };
    const signal = new AbortController().signal;
    widget.render({ ...props, el: page.el, signal });
    await settle();
    expect(page.el.querySelectorAll(".nb-frame")).toHaveLength(1);
  });

  it("leave nothing behind: no element, no listener, no timer", async () => {
    const other = open();
    other.ops(RUN, ["open", "r", "run", { kind: "reasoning", text: "hm", started: 1 }], tool("f"));
    await settle(100);
    const model: LocalModel = other.model;
    other.close();
    page.close();
    await settle(100);
    expect(model.handlerCount).toBe(0);
    expect(vi.getTimerCount()).toBe(0);
    expect(document.body.childNodes).toHaveLength(0);
  });
});

describe("keys", () => {
  it.each(["keydown", "keypress", "keyup"])("never reach the notebook: %s", async (type) => {
    const seen = vi.fn();
    document.addEventListener(type, seen);
    await settle();
    button(page.el, "Stop")?.dispatchEvent(new KeyboardEvent(type, { key: "d", bubbles: true }));
    document.body.dispatchEvent(new KeyboardEvent(type, { key: "d", bubbles: true }));
    expect(seen).toHaveBeenCalledTimes(1);
    document.removeEventListener(type, seen);
    expect(page.el.querySelector("[data-lm-suppress-shortcuts]")).not.toBeNull();
  });

  it.each([{ ctrlKey: true }, { metaKey: true }])(
    "with Ctrl or Cmd do, as commands: %j",
    async (modifier) => {
      const seen: (string | undefined)[] = [];
      // As JupyterLab listens: before any handler in the view, and not to elements with this
      // attribute.
      const hear = ({ target }: Event) => {
        const off = (target as Element).closest<HTMLElement>("[data-lm-suppress-shortcuts]");
        seen.push(off ? "nothing" : "shortcut");
      };
      document.addEventListener("keydown", hear, { capture: true });
      const bubbled = vi.fn();
      document.addEventListener("keydown", bubbled);
      await settle();
      for (const modifiers of [{}, modifier, {}]) {
        const event = new KeyboardEvent("keydown", {
          key: "s",
          bubbles: true,
          composed: true,
          ...modifiers,
        });
        button(page.el, "Stop")?.dispatchEvent(event);
      }
      expect(seen).toEqual(["nothing", "shortcut", "nothing"]);
      expect(bubbled).toHaveBeenCalledTimes(1);
      document.removeEventListener("keydown", hear, { capture: true });
      document.removeEventListener("keydown", bubbled);
    },
  );
});

describe("announcements", () => {
  it("tell states and never tokens", async () => {
    page.ops(RUN);
    await settle();
    page.ops(["open", "r", "run", { kind: "reasoning", text: "", started: 1 }]);
    await settle();
    expect(announced()).toBe("Thinking");
    page.ops(["append", "r", "text", "secret thoughts"]);
    await settle();
    expect(announced()).toBe("Thinking");
    page.ops(["close", "r"], tool("load"));
    await settle();
    expect(announced()).toBe("Tool load started");
    page.ops(
      ["set", "load", { state: "output-error", error: { type: "E", message: "m" } }],
      ["close", "load"],
    );
    await settle();
    expect(announced()).toBe("Tool load failed");
    page.ops(["set", "run", { status: "completed", ended: 4 }]);
    await settle();
    expect(announced()).toBe("Done in 3.0s");
  });

  it("of a run that is over tell its end, not the calls that ended with it", async () => {
    page.ops(RUN, tool("write_file", { state: "input-available" }), ["close", "write_file"]);
    page.ops(
      ["set", "run", { status: "completed", ended: 1 }],
      tool("late"),
      ["close", "late"],
      ["close", "run"],
    );
    await settle();
    expect(announced()).toBe("Done in <0.1s");
  });

  it("of a call that runs elsewhere do not say that it runs", async () => {
    page.ops(RUN, tool("get_weather", { state: "input-available" }), ["close", "get_weather"]);
    await settle();
    expect(announced()).toContain("Tool get_weather requested");
    expect(rowOf(page.el, "get_weather").textContent).toContain("get_weather, requested, ");
  });

  it("are made once a page, however many views there are, and do not stay", async () => {
    const second = page.view();
    const other = open();
    page.ops(RUN);
    other.ops(RUN);
    await settle();
    const regions = document.querySelectorAll("[role=status]");
    expect([...regions].map((region) => region.childElementCount)).toEqual([2]);
    await settle(7100);
    expect(regions[0]?.childElementCount).toBe(0);
    second.close();
    other.close();
  });

  it("do not read out the past when the page is opened again", async () => {
    page.snapshot(
      [
        { id: "run", kind: "run", status: "running" },
        { id: "f", parent: "run", kind: "tool", name: "f", state: "output-error" },
      ],
      9,
    );
    await settle();
    expect(announced()).toBeUndefined();
    expect(page.el.querySelector("[role=log]")?.getAttribute("aria-live")).toBe("off");
  });
});

describe("the header of streams side by side", () => {
  const lane = (id: string) => [
    "open",
    id,
    "run",
    { kind: "agent", name: id, status: "running", started: 1 },
  ];

  it("counts those that are over, of all", async () => {
    page.ops(
      RUN,
      ["set", "run", { lanes: 30, name: "Oslo, Rome" }],
      lane("Oslo"),
      lane("Rome"),
      lane("Bonn"),
    );
    await settle();
    const shown = () => page.el.querySelector(".nb-lane-count")?.textContent;
    expect(shown()).toBe("0 / 30");
    page.ops(["set", "Oslo", { status: "completed" }], ["close", "Oslo"]);
    page.ops(["set", "Rome", { status: "failed" }], ["close", "Rome"]);
    await settle();
    expect(shown()).toBe("2 / 30, 1 failed");
    expect(page.el.querySelector(".nb-title")?.getAttribute("title")).toBe("Oslo, Rome");
  });

  it("of one stream counts nothing", async () => {
    page.ops(RUN, lane("helper"));
    await settle();
    expect(page.el.querySelector(".nb-lane-count")).toBeNull();
  });
});

describe("a panel", () => {
  const expanded = (label: string) => rowOf(page.el, label).getAttribute("aria-expanded");

  it("is open while its tool is at work and closes a second after", async () => {
    page.ops(RUN, tool("load", { output: "reading…" }));
    await settle(100);
    expect(expanded("load")).toBe("true");
    page.ops(
      ["set", "load", { state: "output-available", args: { a: 1 }, ended: 2 }],
      ["close", "load"],
    );
    await settle(800);
    expect(expanded("load")).toBe("true");
    await settle(400);
    expect(expanded("load")).toBe("false");
    await settle(400);
    expect(page.el.querySelector(".nb-panel")).toBeNull();
  });

  it("that the reader closed stays closed, and one the reader opened stays open", async () => {
    page.ops(RUN, tool("load", { output: "reading…" }));
    await settle(100);
    rowOf(page.el, "load").click();
    await settle(100);
    expect(expanded("load")).toBe("false");
    expect(page.sent("toggle")).toEqual([{ t: "toggle", block: "load", open: false }]);
    page.ops(
      ["set", "load", { state: "output-error", error: { type: "E", message: "m" } }],
      ["close", "load"],
    );
    await settle(100);
    expect(expanded("load")).toBe("false");
    rowOf(page.el, "load").click();
    await settle(5000);
    expect(expanded("load")).toBe("true");
  });

  it("opens and closes with all others by a key, but not where the reader writes", async () => {
    const press = (key: string, target: Element) =>
      target.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
    page.ops(
      RUN,
      tool("load", { state: "output-available" }),
      ["close", "load"],
      tool("plot", { open: true }),
    );
    page.ops(["open", "r", "run", { kind: "reasoning", text: "a thought" }], ["close", "r"]);
    await settle();
    const log = page.el.querySelector(".nb-log") as Element;
    press("-", log);
    await settle();
    expect(["load", "plot", "Thought"].map(expanded)).toEqual(["false", "false", "false"]);
    press("*", log.appendChild(document.createElement("input")));
    press("*", log);
    await settle();
    expect(["load", "plot", "Thought"].map(expanded)).toEqual(["true", "true", "true"]);
    expect(page.sent("toggle")).toEqual([
      { t: "toggle", block: null, open: false },
      { t: "toggle", block: null, open: true },
    ]);
  });

  it("follows the reader's choice in another view", async () => {
    page.ops(RUN, tool("load", { state: "output-available" }), ["close", "load"]);
    await settle();
    page.ops(["set", "load", { user_open: true }]);
    await settle();
    expect(expanded("load")).toBe("true");
  });

  it("of a failed tool opens itself", async () => {
    const error = {
      type: "ValueError",
      message: "no such year",
      traceback: 'Traceback\n  File "x.py", line 1\nValueError',
    };
    page.ops(RUN, tool("load", { state: "output-error", args: {}, error }), ["close", "load"]);
    await settle();
    expect(expanded("load")).toBe("true");
    expect(page.el.textContent).toContain("ValueError: no such year");
    expect(page.el.textContent).not.toContain('File "x.py"');
    button(page.el, "traceback (1 frame)")?.click();
    await settle();
    expect(page.el.textContent).toContain('File "x.py"');
  });

  it("with a picture, or the last table, stays open until the reader closes it", async () => {
    page.ops(RUN, tool("plot"));
    page.ops(
      ["set", "plot", { state: "output-available", ended: 2, open: true }],
      ["close", "plot"],
    );
    await settle(3000);
    expect(expanded("plot")).toBe("true");
    page.ops(["set", "plot", { open: false }]);
    await settle(1200);
    expect(expanded("plot")).toBe("false");
    page.ops(["set", "plot", { open: true }]);
    await settle(100);
    rowOf(page.el, "plot").click();
    await settle(100);
    expect(expanded("plot")).toBe("false");
  });

  it("of a finished tool is closed in a page that is opened later", async () => {
    page.snapshot(
      [
        {
          id: "load",
          parent: "run",
          kind: "tool",
          name: "load",
          state: "output-available",
          closed: true,
        },
      ],
      1,
    );
    await settle();
    expect(expanded("load")).toBe("false");
  });
});

describe("a kernel in the page", () => {
  it("gets the view's messages by a BroadcastChannel, also while a cell awaits", async () => {
    const kernel = new BroadcastChannel("nbagent-test");
    const got: unknown[] = [];
    kernel.onmessage = ({ data }) => got.push(JSON.parse(data));
    const inPage = open(undefined, undefined, [], { broadcast: "nbagent-test" });
    inPage.ops(RUN);
    button(inPage.el, "Stop")?.click();
    await vi.waitFor(() => expect(got).toContainEqual({ t: "stop" }));
    expect(inPage.model.sent).toEqual([]);
    inPage.close();
    kernel.close();
  });
});
