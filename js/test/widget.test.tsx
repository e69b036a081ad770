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

describe("before anything came", () => {
  it("shows who runs, a sign of life and Stop", async () => {
    await settle();
    expect(page.el.textContent).toContain("analyst");
    expect(page.el.textContent).toContain("Waiting for the first event…");
    expect(button(page.el, "Stop")).toBeDefined();
  });

  it("claims the page for the live view for 3 seconds, and longer only if the kernel answers", async () => {
    await settle();
    const live = () => page.el.querySelector("[data-nbagent-live]")?.getAttribute("data-nbagent-live");
    expect(live()).toBe(page.model.get("mark"));
    await settle(3000);
    expect(live()).toBeUndefined();
    page.ops(RUN);
    await settle();
    expect(live()).toBe(page.model.get("mark"));
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
    expect(button(page.el, "Stopping…")?.disabled).toBe(true);
    page.ops(["set", "run", { status: "cancelled", stopped_by: "you", ended: 3 }], ["close", "t"], ["close", "run"]);
    await settle();
    expect(page.el.textContent).toContain("Stopped by you");
    expect(page.el.textContent).toContain("half");
    expect(button(page.el, "Stop")).toBeUndefined();
  });

  it("says that it was not heard, and can be pressed again", async () => {
    button(page.el, "Stop")?.click();
    await settle(4100);
    expect(page.el.textContent).toContain("Stop has not reached the kernel");
    button(page.el, "Stop")?.click();
    expect(page.sent("stop")).toHaveLength(2);
    page.ops([...RUN.slice(0, 3), { kind: "run", status: "stopping" }]);
    await settle(100);
    expect(page.el.textContent).not.toContain("Stop has not reached the kernel");
    expect(page.el.textContent).toContain("Stopping…");
  });
});

describe("a silent kernel", () => {
  it("is told quietly, and no more once it answers", async () => {
    const silent = open();
    await settle(5100);
    expect(silent.el.textContent).toContain("No answer from the kernel");
    silent.snapshot([{ id: "run", kind: "run", status: "running" }], 0);
    await settle(100);
    expect(silent.el.textContent).not.toContain("No answer from the kernel");
    silent.close();
  });

  it("that lost the last batch is asked for a snapshot when the head says it is over", async () => {
    page.ops(RUN);
    page.model.set("head", { name: "analyst", status: "completed" });
    await settle(2100);
    expect(page.sent("resync")).toHaveLength(1);
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

  it("drawn later show everything", async () => {
    page.ops(RUN, ["open", "t", "run", { kind: "text", text: "" }], ["append", "t", "text", "early"]);
    const late = page.view();
    await settle();
    expect(late.el.textContent).toContain("early");
  });

  it("drawn twice into one element replace each other", async () => {
    const { default: widget } = await import("../src");
    const props = { model: page.model as never, experimental: undefined as never, host: undefined as never };
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
});

describe("announcements", () => {
  const said = () => page.el.querySelector("[role=status]")?.textContent;

  it("tell states and never tokens", async () => {
    page.ops(RUN);
    await settle();
    page.ops(["open", "r", "run", { kind: "reasoning", text: "", started: 1 }]);
    await settle();
    expect(said()).toBe("Thinking");
    page.ops(["append", "r", "text", "secret thoughts"]);
    await settle();
    expect(said()).toBe("Thinking");
    page.ops(["close", "r"], tool("load"));
    await settle();
    expect(said()).toBe("Tool load started");
    page.ops(["set", "load", { state: "output-error", error: { type: "E", message: "m" } }], ["close", "load"]);
    await settle();
    expect(said()).toBe("Tool load failed");
    page.ops(["set", "run", { status: "completed", ended: 4 }]);
    await settle();
    expect(said()).toBe("Done in 3.0s");
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
    expect(said()).toBe("");
    expect(page.el.querySelector("[role=log]")?.getAttribute("aria-live")).toBe("off");
  });
});

describe("a panel", () => {
  const expanded = (label: string) => rowOf(page.el, label).getAttribute("aria-expanded");

  it("is open while its tool is at work and closes a second after", async () => {
    page.ops(RUN, tool("load"));
    await settle(100);
    expect(expanded("load")).toBe("true");
    page.ops(["set", "load", { state: "output-available", args: { a: 1 }, ended: 2 }], ["close", "load"]);
    await settle(800);
    expect(expanded("load")).toBe("true");
    await settle(400);
    expect(expanded("load")).toBe("false");
    await settle(400);
    expect(page.el.querySelector(".nb-panel")).toBeNull();
  });

  it("that the reader closed stays closed, and one the reader opened stays open", async () => {
    page.ops(RUN, tool("load"));
    await settle(100);
    rowOf(page.el, "load").click();
    await settle(100);
    expect(expanded("load")).toBe("false");
    expect(page.sent("toggle")).toEqual([{ t: "toggle", block: "load", open: false }]);
    page.ops(["set", "load", { state: "output-error", error: { type: "E", message: "m" } }], ["close", "load"]);
    await settle(100);
    expect(expanded("load")).toBe("false");
    rowOf(page.el, "load").click();
    await settle(5000);
    expect(expanded("load")).toBe("true");
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

  it("of a finished tool is closed in a page that is opened later", async () => {
    page.snapshot(
      [{ id: "load", parent: "run", kind: "tool", name: "load", state: "output-available", closed: true }],
      1,
    );
    await settle();
    expect(expanded("load")).toBe("false");
  });
});
