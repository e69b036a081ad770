/** Channel to the kernel: order, gaps, snapshots, acknowledgements, large values. */

import { afterEach, beforeEach, describe, expect, it, type MockInstance, vi } from "vitest";
import { Channel } from "../src/channel";
import { loadModule } from "../src/modules";
import { Store } from "../src/store";

const RUN = ["open", "run", null, { kind: "run", status: "running" }];

class Wire {
  sent: { t: string; [key: string]: unknown }[] = [];
  receive: (raw: unknown) => void = () => {};
  listeners = 0;
  send = (message: { t: string }) => {
    this.sent.push(message);
  };
  listen = (receive: (raw: unknown) => void) => {
    this.receive = receive;
    this.listeners += 1;
    return () => {
      this.listeners -= 1;
    };
  };
  of(type: string) {
    return this.sent.filter((message) => message.t === type);
  }
}

let wire: Wire;
let store: Store;
let channel: Channel;
let over = false;
let debug: MockInstance<typeof console.debug>;

const ops = (seq: number, ...list: unknown[]) => wire.receive({ t: "ops", seq, now: 1, ops: list });
const piece = (seq: number, ends: { first?: boolean; last?: boolean }, ...list: unknown[]) =>
  wire.receive({ t: "snapshot", seq, now: 1, first: false, last: false, ...ends, ops: list });
const snapshot = (seq: number, ...list: unknown[]) =>
  piece(seq, { first: true, last: true }, ...list);
const beat = (seq: number) => wire.receive({ t: "beat", seq, now: 1 });
const page = (name: string, at: number, text: string, size = text.length) =>
  wire.receive({ t: "part", name, at, text, size });
const text = () => store.get("t")?.stream("text").text;

beforeEach(() => {
  debug = vi.spyOn(console, "debug").mockImplementation(() => {});
  vi.useFakeTimers();
  wire = new Wire();
  store = new Store();
  over = false;
  channel = new Channel({ port: wire, store, isOver: () => over });
  channel.hello();
});

afterEach(() => {
  channel.dispose();
  vi.useRealTimers();
  vi.restoreAllMocks();
});

describe("sequence", () => {
  it("starts with a hello", () => {
    expect(wire.sent).toEqual([{ t: "hello", have: 0 }]);
  });

  it("applies batches from the first one on, even before the hello is answered", () => {
    ops(1, RUN, ["open", "t", "run", { kind: "text", text: "" }]);
    ops(2, ["append", "t", "text", "hi"]);
    expect(text()).toBe("hi");
    expect(channel.answered.value).toBe(true);
  });

  it("asks for a snapshot at a gap and drops batches until it is there", () => {
    ops(1, RUN, ["open", "t", "run", { kind: "text", text: "" }]);
    ops(3, ["append", "t", "text", "c"]);
    ops(4, ["append", "t", "text", "d"]);
    expect(wire.of("resync")).toHaveLength(1);
    expect(text()).toBe("");
    snapshot(5, RUN, ["open", "t", "run", { kind: "text", text: "abcd" }]);
    ops(6, ["append", "t", "text", "e"]);
    expect(text()).toBe("abcde");
    expect(wire.of("resync")).toHaveLength(1);
  });

  it("ignores what comes twice", () => {
    ops(1, RUN, ["open", "t", "run", { kind: "text", text: "" }]);
    ops(2, ["append", "t", "text", "a"]);
    ops(2, ["append", "t", "text", "a"]);
    snapshot(2, RUN);
    expect(text()).toBe("a");
    expect(wire.of("resync")).toHaveLength(0);
  });

  it("asks again, ever more slowly, if the answer to a question is lost, and gives up in the end", () => {
    ops(1, RUN);
    ops(5);
    vi.advanceTimersByTime(2000);
    expect(wire.of("resync")).toHaveLength(2);
    vi.advanceTimersByTime(3000);
    expect(wire.of("resync")).toHaveLength(2);
    vi.advanceTimersByTime(3_600_000);
    expect(wire.of("resync")).toHaveLength(6);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("asks anew when the kernel is heard again after that", () => {
    ops(1, RUN);
    ops(5);
    vi.advanceTimersByTime(3_600_000);
    beat(5);
    expect(wire.of("resync")).toHaveLength(7);
  });

  it.each([
    null,
    1,
    "ops",
    [],
    {},
    { t: "ops" },
    { t: "ops", seq: "1", ops: [] },
    { t: "snapshot", seq: 1, ops: 5 },
    { t: "beat" },
    { t: "part" },
  ])("ignores %j", (message) => {
    wire.receive(message);
    expect(channel.lastSeq).toBe(0);
    expect(channel.answered.value).toBe(false);
  });
});

describe("a snapshot in pieces", () => {
  const OPEN = ["open", "t", "run", { kind: "text", text: "" }];

  it("is shown when the last one has come", () => {
    piece(1, { first: true }, RUN, OPEN);
    piece(2, {}, ["append", "t", "text", "a"]);
    expect(text()).toBeUndefined();
    expect(channel.lastSeq).toBe(0);
    piece(3, { last: true }, ["append", "t", "text", "b"]);
    expect(text()).toBe("ab");
    expect(channel.lastSeq).toBe(3);
  });

  it("that lost one is asked for again", () => {
    piece(1, { first: true }, RUN, OPEN);
    piece(3, { last: true });
    expect(store.get("t")).toBeUndefined();
    expect(wire.of("hello")).toHaveLength(2);
    snapshot(4, RUN, OPEN);
    expect(text()).toBe("");
  });

  it("that lost its last one is asked for again when a beat tells", () => {
    ops(1, RUN, OPEN);
    piece(2, { first: true }, RUN, OPEN);
    beat(2);
    expect(wire.of("resync")).toHaveLength(0);
    beat(3);
    expect(wire.of("resync")).toHaveLength(1);
  });

  it("that was asked for by another view is loaded too: live ops may be in its pieces", () => {
    ops(1, RUN, OPEN);
    piece(2, { first: true }, RUN, OPEN);
    piece(3, { last: true }, ["append", "t", "text", "live"]);
    expect(text()).toBe("live");
    expect(wire.of("resync")).toHaveLength(0);
  });

  it("that is torn again and again is not asked for without end", () => {
    for (let seq = 1; seq < 300; seq += 3) {
      piece(seq, { first: true }, RUN);
      piece(seq + 2, { last: true });
    }
    expect(wire.of("hello").length).toBeLessThan(4);
  });
});

describe("a beat", () => {
  it("with a number that is not here yet asks for a snapshot", () => {
    ops(1, RUN);
    beat(1);
    expect(wire.of("resync")).toHaveLength(0);
    beat(2);
    expect(wire.of("resync")).toHaveLength(1);
  });

  it("is acknowledged: the kernel may not know that all has arrived", async () => {
    ops(1, RUN);
    await vi.advanceTimersByTimeAsync(800);
    beat(1);
    await vi.advanceTimersByTimeAsync(2100);
    expect(wire.of("ack").map((ack) => ack.seq)).toEqual([1, 1]);
  });
});

describe("acknowledgement", () => {
  it("comes once for the first batches, and then every two seconds at most", async () => {
    ops(1, RUN);
    ops(2);
    await vi.advanceTimersByTimeAsync(600);
    ops(3);
    expect(wire.of("ack")).toHaveLength(0);
    await vi.advanceTimersByTimeAsync(150);
    expect(wire.of("ack")).toEqual([{ t: "ack", seq: 3 }]);
    ops(4);
    await vi.advanceTimersByTimeAsync(1900);
    ops(5);
    expect(wire.of("ack").map((ack) => ack.seq)).toEqual([3]);
    await vi.advanceTimersByTimeAsync(150);
    expect(wire.of("ack").map((ack) => ack.seq)).toEqual([3, 5]);
  });

  it("does not come for a short run of a view that has sent nothing, unless a beat asks", async () => {
    channel = new Channel({ port: wire, store: new Store(), isOver: () => over });
    ops(1, RUN);
    await vi.advanceTimersByTimeAsync(300);
    over = true;
    ops(2, ["set", "run", { status: "completed" }]);
    await vi.advanceTimersByTimeAsync(5000);
    expect(wire.of("ack")).toHaveLength(0);
    beat(2);
    await vi.advanceTimersByTimeAsync(50);
    expect(wire.of("ack")).toEqual([{ t: "ack", seq: 2 }]);
  });

  it("comes at once when the run of a view that has sent a message is over", async () => {
    ops(1, RUN);
    await vi.advanceTimersByTimeAsync(300);
    over = true;
    ops(2, ["set", "run", { status: "stopped" }]);
    await vi.advanceTimersByTimeAsync(50);
    expect(wire.of("ack")).toEqual([{ t: "ack", seq: 2 }]);
    await vi.advanceTimersByTimeAsync(5000);
    expect(wire.of("ack")).toHaveLength(1);
  });

  it("comes after a while where nothing is painted", async () => {
    const frames = vi.spyOn(globalThis, "requestAnimationFrame").mockReturnValue(0);
    ops(1, RUN);
    await vi.advanceTimersByTimeAsync(1600);
    expect(wire.of("ack")).toHaveLength(0);
    await vi.advanceTimersByTimeAsync(200);
    expect(wire.of("ack")).toEqual([{ t: "ack", seq: 1 }]);
    frames.mockRestore();
  });

  it("follows a snapshot too", async () => {
    snapshot(7, RUN);
    await vi.advanceTimersByTimeAsync(800);
    expect(wire.of("ack")).toEqual([{ t: "ack", seq: 7 }]);
  });
});

describe("lazy parts", () => {
  const HTML = "result/a/text/html";

  it("are asked for once while they are under way, and not kept", async () => {
    const [first, second] = [channel.lazyValues.page(HTML), channel.lazyValues.page(HTML)];
    expect(wire.of("need")).toEqual([{ t: "need", name: HTML, at: 0 }]);
    page(HTML, 0, "<b>x</b>");
    expect(await first).toEqual({ at: 0, end: 8, size: 8, text: "<b>x</b>" });
    expect(await second).toBe(await first);
    channel.lazyValues.page(HTML).catch(() => {});
    expect(wire.of("need")).toHaveLength(2);
  });

  it("are put together from their pages, which count characters as the kernel does", async () => {
    const whole = channel.lazyValues.whole(HTML);
    page(HTML, 0, "a😀", 5);
    await vi.advanceTimersByTimeAsync(0);
    page(HTML, 2, "😀b", 5);
    await vi.advanceTimersByTimeAsync(0);
    page(HTML, 4, "c", 5);
    expect(await whole).toBe("a😀😀bc");
    expect(wire.of("need").map((need) => need.at)).toEqual([0, 2, 4]);
  });

  it("that are too large are not read to their end", async () => {
    const whole = channel.lazyValues.whole(HTML, 10);
    page(HTML, 0, "abc", 11);
    await expect(whole).rejects.toThrow("11 characters are too many");
    expect(wire.of("need")).toHaveLength(1);
  });

  it("that shrink while they are read are an error, not an endless loop", async () => {
    const whole = channel.lazyValues.whole(HTML);
    page(HTML, 0, "abc", 6);
    await vi.advanceTimersByTimeAsync(0);
    page(HTML, 3, "", 6);
    await expect(whole).rejects.toThrow("changed while it was read");
  });

  it("that fail say why and can be asked for again", async () => {
    const failed = channel.lazyValues.whole(HTML);
    wire.receive({ t: "part", name: HTML, at: 0, error: "the run is gone" });
    await expect(failed).rejects.toThrow("the run is gone");
    const again = channel.lazyValues.whole(HTML);
    page(HTML, 0, "");
    expect(await again).toBe("");
  });

  it("whose answer is lost are asked for again, ever more slowly, and fail in the end", async () => {
    const part = channel.lazyValues.page(HTML);
    const failed = expect(part).rejects.toThrow("no answer");
    vi.advanceTimersByTime(3000);
    expect(wire.of("need")).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(3_600_000);
    expect(wire.of("need")).toHaveLength(5);
    await failed;
  });

  it("under way are asked for at once when the connection is back", () => {
    channel.lazyValues.page(HTML).catch(() => {});
    channel.lazyValues.resume();
    expect(wire.of("need")).toHaveLength(2);
  });

  it("fail when the view closes or the kernel is gone", async () => {
    const part = channel.lazyValues.page(HTML);
    channel.lazyValues.fail("the kernel is gone");
    await expect(part).rejects.toThrow("gone");
    await expect(channel.lazyValues.page(HTML)).rejects.toThrow("gone");
    expect(wire.of("need")).toHaveLength(1);
  });

  it("that are modules are loaded once for the whole page", async () => {
    const load = vi.fn(async (source: string) => ({ source }));
    const first = loadModule("math.js", (name) => channel.lazyValues.whole(name), load);
    page("math.js", 0, "export {}");
    const other = new Channel({ port: new Wire(), store: new Store() });
    expect(await loadModule("math.js", (name) => other.lazyValues.whole(name), load)).toBe(
      await first,
    );
    expect(load).toHaveBeenCalledTimes(1);
    other.dispose();
  });

  it("that are modules and fail for one are asked for by the next, also by who waits already", async () => {
    const load = async (source: string) => ({ source });
    const otherWire = new Wire();
    const other = new Channel({ port: otherWire, store: new Store() });
    const failed = loadModule("highlight.js", (name) => channel.lazyValues.whole(name), load);
    const waiting = loadModule("highlight.js", (name) => other.lazyValues.whole(name), load);
    expect(otherWire.of("need")).toHaveLength(0);
    channel.lazyValues.fail("the view is closed");
    await expect(failed).rejects.toThrow("closed");
    await vi.advanceTimersByTimeAsync(0);
    otherWire.receive({ t: "part", name: "highlight.js", at: 0, text: "x", size: 1 });
    expect(await waiting).toEqual({ source: "x" });
    other.dispose();
  });
});

describe("disposal", () => {
  it("leaves no timer and no listener, and sends nothing more", () => {
    ops(1, RUN);
    channel.dispose();
    expect(vi.getTimerCount()).toBe(0);
    expect(wire.listeners).toBe(0);
    const count = wire.sent.length;
    channel.send({ t: "stop" });
    expect(wire.sent).toHaveLength(count);
  });
});

describe("a message that the view does not know", () => {
  it.each([
    ["of a later version", { t: "chart", data: "secret" }, "chart"],
    ["without a number", { t: "ops", now: 1, ops: ["secret"] }, "ops"],
    ["without a time", { t: "beat", seq: 1 }, "beat"],
    ["without a name", { t: "part", at: 0, text: "secret" }, "part"],
    ["whose type says too much", { t: "my password is secret" }, "<object>"],
    ["that is no object", "secret", "<string>"],
  ])("%s is counted, and told once without its content", (_, message, type) => {
    wire.receive(message);
    wire.receive(message);
    expect([...channel.ignored]).toEqual([[type, 2]]);
    expect(debug).toHaveBeenCalledTimes(1);
    expect(JSON.stringify(debug.mock.calls)).not.toContain("secret");
    expect(channel.lastSeq).toBe(0);
  });
});
