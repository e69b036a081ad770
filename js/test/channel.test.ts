import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Channel } from "../src/channel";
import { needModule } from "../src/modules";
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

const ops = (seq: number, ...list: unknown[]) => wire.receive({ t: "ops", seq, now: 1, ops: list });
const snapshot = (seq: number, ...blocks: unknown[]) => wire.receive({ t: "snapshot", seq, now: 1, blocks });
const text = () => store.get("t")?.stream("text").text;

beforeEach(() => {
  vi.useFakeTimers();
  wire = new Wire();
  store = new Store();
  channel = new Channel({ port: wire, store });
  channel.start();
});

afterEach(() => {
  channel.dispose();
  vi.useRealTimers();
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
    snapshot(4, { id: "run", parent: null, kind: "run" }, { id: "t", parent: "run", kind: "text", text: "abcd" });
    ops(5, ["append", "t", "text", "e"]);
    expect(text()).toBe("abcde");
    expect(wire.of("resync")).toHaveLength(1);
  });

  it("ignores a batch that comes twice", () => {
    ops(1, RUN, ["open", "t", "run", { kind: "text", text: "" }]);
    ops(2, ["append", "t", "text", "a"]);
    ops(2, ["append", "t", "text", "a"]);
    expect(text()).toBe("a");
    expect(wire.of("resync")).toHaveLength(0);
  });

  it("is not taken back by a snapshot that later batches overtook", () => {
    ops(1, RUN, ["open", "t", "run", { kind: "text", text: "" }]);
    ops(2, ["append", "t", "text", "new"]);
    snapshot(1, { id: "run", parent: null, kind: "run" });
    expect(text()).toBe("new");
  });

  it("asks again if the answer to a resync is lost", () => {
    ops(1, RUN);
    ops(5);
    vi.advanceTimersByTime(6000);
    expect(wire.of("resync")).toHaveLength(2);
  });

  it.each([
    null,
    1,
    "ops",
    [],
    {},
    { t: "ops" },
    { t: "ops", seq: "1", ops: [] },
    { t: "snapshot", seq: 1 },
    { t: "part" },
  ])("ignores %j", (message) => {
    wire.receive(message);
    expect(channel.have).toBe(0);
    expect(channel.answered.value).toBe(false);
  });
});

describe("acknowledgement", () => {
  it("comes once after the paint, for the last batch, and then rests for two seconds", async () => {
    ops(1, RUN);
    ops(2);
    ops(3);
    expect(wire.of("ack")).toHaveLength(0);
    await vi.advanceTimersByTimeAsync(50);
    expect(wire.of("ack")).toEqual([{ t: "ack", seq: 3 }]);
    ops(4);
    await vi.advanceTimersByTimeAsync(1900);
    ops(5);
    expect(wire.of("ack").map((ack) => ack.seq)).toEqual([3]);
    await vi.advanceTimersByTimeAsync(100);
    expect(wire.of("ack").map((ack) => ack.seq)).toEqual([3, 5]);
  });

  it("comes after a while where nothing is painted", async () => {
    const frames = vi.spyOn(globalThis, "requestAnimationFrame").mockReturnValue(0);
    ops(1, RUN);
    await vi.advanceTimersByTimeAsync(900);
    expect(wire.of("ack")).toHaveLength(0);
    await vi.advanceTimersByTimeAsync(200);
    expect(wire.of("ack")).toEqual([{ t: "ack", seq: 1 }]);
    frames.mockRestore();
  });

  it("follows a snapshot too", async () => {
    snapshot(7, { id: "run", parent: null, kind: "run" });
    await vi.advanceTimersByTimeAsync(50);
    expect(wire.of("ack")).toEqual([{ t: "ack", seq: 7 }]);
  });
});

describe("a silent kernel", () => {
  it("is reported after some seconds and asked again a few times, then no more", () => {
    expect(channel.silent.value).toBe(false);
    vi.advanceTimersByTime(5000);
    expect(channel.silent.value).toBe(true);
    vi.advanceTimersByTime(3_600_000);
    expect(wire.of("hello")).toHaveLength(6);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("is forgiven when it speaks", () => {
    vi.advanceTimersByTime(5000);
    snapshot(0);
    expect(channel.silent.value).toBe(false);
    vi.advanceTimersByTime(60_000);
    expect(channel.silent.value).toBe(false);
  });
});

describe("lazy parts", () => {
  it("are asked for once and shared", async () => {
    const [first, second] = [channel.part("result/a/text/html"), channel.part("result/a/text/html")];
    expect(wire.of("need")).toEqual([{ t: "need", name: "result/a/text/html" }]);
    wire.receive({ t: "part", name: "result/a/text/html", text: "<b>x</b>" });
    expect(await first).toBe("<b>x</b>");
    expect(await second).toBe("<b>x</b>");
    expect(await channel.part("result/a/text/html")).toBe("<b>x</b>");
    expect(wire.of("need")).toHaveLength(1);
  });

  it("that fail say why and can be asked for again", async () => {
    const failed = channel.part("result/a/text/html");
    wire.receive({ t: "part", name: "result/a/text/html", error: "the run is gone" });
    await expect(failed).rejects.toThrow("the run is gone");
    const again = channel.part("result/a/text/html");
    wire.receive({ t: "part", name: "result/a/text/html", text: "" });
    expect(await again).toBe("");
  });

  it("fail when the view closes", async () => {
    const part = channel.part("result/a/text/html");
    channel.dispose();
    await expect(part).rejects.toThrow("closed");
  });

  it("that are modules are loaded once for the whole page", async () => {
    const load = vi.fn(async (source: string) => ({ source }));
    const first = needModule("math.js", (name) => channel.part(name), load);
    wire.receive({ t: "part", name: "math.js", text: "export {}" });
    const other = new Channel({ port: new Wire(), store: new Store() });
    expect(await needModule("math.js", (name) => other.part(name), load)).toBe(await first);
    expect(load).toHaveBeenCalledTimes(1);
    other.dispose();
  });

  it("that are modules and fail are tried again by the next one", async () => {
    const load = async (source: string) => ({ source });
    const failed = needModule("highlight.js", (name) => channel.part(name), load);
    wire.receive({ t: "part", name: "highlight.js", error: "no such file" });
    await expect(failed).rejects.toThrow("no such file");
    const again = needModule("highlight.js", (name) => channel.part(name), load);
    wire.receive({ t: "part", name: "highlight.js", text: "x" });
    expect(await again).toEqual({ source: "x" });
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
