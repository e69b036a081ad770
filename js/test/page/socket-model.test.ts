/** The page's transport: a session over a WebSocket that is lost and comes back. */

import { signal } from "@preact/signals";
import { h, render } from "preact";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { chart as CHART } from "../../../nbagent/protocol/labels.json";
import { Inspector } from "../../src/inspector";
import { mount } from "../../src/mount";
import { SocketModel } from "../../src/page/socket-model";
import type { KernelMessage, Op, ViewMessage } from "../../src/protocol";
import { Session } from "../../src/session";
import type { Inspecting } from "../../src/transcript/inspecting";
import { Result } from "../../src/transcript/result";
import { Kernel } from "../kernel";

/**
 * A socket with a server at its other end that numbers its messages from the page's on, as
 * nbagent/server/page/view.py does.
 */
class FakeSocket {
  static readonly CONNECTING = 0;
  static readonly OPEN = 1;
  static all: FakeSocket[] = [];
  /** The ops of the run so far. */
  static ops: Op[] = [];
  readyState = FakeSocket.CONNECTING;
  onopen = () => {};
  onmessage = (_: { data: string }) => {};
  onclose = (_: { code: number; reason: string }) => {};
  readonly received: ViewMessage[] = [];
  readonly kernel = new Kernel(
    (message: KernelMessage) => this.onmessage({ data: JSON.stringify(message) }),
    100,
  );

  constructor(readonly url: URL) {
    FakeSocket.all.push(this);
    this.kernel.emit(...FakeSocket.ops);
  }

  open(): void {
    this.readyState = FakeSocket.OPEN;
    this.onopen();
  }

  emit(...ops: Op[]): void {
    FakeSocket.ops.push(...ops);
    this.kernel.emit(...ops);
    this.kernel.tick();
  }

  send(text: string): void {
    const message = JSON.parse(text) as ViewMessage;
    this.received.push(message);
    if (message.t === "hello") this.kernel.seq = Math.max(this.kernel.seq, message.have ?? 0);
    this.kernel.receive(message);
    if (message.t === "hello" || message.t === "resync") this.kernel.tick();
  }

  close(): void {
    this.drop(1000);
  }

  drop(code = 1006, reason = ""): void {
    this.readyState = 3;
    this.onclose({ code, reason });
  }
}

const RUN: Op = [
  "open",
  "run",
  null,
  { kind: "run", name: "analyst", status: "running", started: 1 },
];
const newest = () => FakeSocket.all.at(-1) as FakeSocket;
const texts = (session: Session) => session.store.toRecords().map(({ text }) => text);
const kinds = (socket: FakeSocket) => socket.received.map(({ t }) => t);

let model: SocketModel;
let session: Session;
beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("WebSocket", FakeSocket);
  FakeSocket.all = [];
  FakeSocket.ops = [];
  model = new SocketModel({
    url: new URL("ws://server/view?run=run-1"),
    key: "#run-1",
    importModule: async () => ({}),
  });
  session = new Session(model);
  session.start(false);
});
afterEach(() => {
  session.dispose();
  model.close();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe("a view", () => {
  const QUESTION: Op[] = [
    RUN,
    ["open", "t", "run", { kind: "tool", name: "delete", state: "approval-requested", args: {} }],
    [
      "open",
      "approval:1",
      "t",
      { kind: "approval", tool_id: "t", approval_kind: "tool", answerable: true },
    ],
  ];

  it.each([
    [false, true],
    [true, false],
  ])(
    "of a reader who may only watch (%s) offers to stop and to answer: %s",
    async (onlyWatches, offers) => {
      const importModule = vi.fn(async () => ({}));
      const watching = new SocketModel({
        url: new URL("ws://server/view?run=run-2"),
        key: "#run-2",
        onlyWatches,
        importModule,
      });
      const shown = new Session(watching);
      shown.start(false);
      newest().open();
      newest().emit(...QUESTION);
      const box = document.body.appendChild(document.createElement("div"));
      const { unmount } = mount(shown, box);
      await vi.advanceTimersByTimeAsync(100);
      expect(box.querySelector(".nb-stop") !== null).toBe(offers);
      expect(importModule.mock.calls.length > 0).toBe(offers); // the controls that answer are a part
      expect(box.textContent?.includes("somebody who may answer")).toBe(!offers);
      unmount();
      shown.dispose();
      watching.close();
      box.remove();
    },
  );
});

describe("what the page does not offer", () => {
  it("is a figure drawn by plotly's own script: its picture is shown", () => {
    const result = {
      "application/vnd.plotly.v1+json": { data: [], layout: {} },
      "text/plain": "a figure",
    };
    newest().open();
    newest().emit(
      RUN,
      ["open", "t", "run", { kind: "tool", name: "plot", state: "done", open: true, result }],
      ["close", "t"],
    );
    const box = document.body.appendChild(document.createElement("div"));
    const { unmount } = mount(session, box);
    expect(box.textContent).toContain("a figure");
    expect(box.textContent).not.toContain(CHART.draw);
    unmount();
    box.remove();
  });

  it("is what the model was asked", () => {
    newest().open();
    newest().emit(RUN);
    const box = document.body.appendChild(document.createElement("div"));
    const inspecting = signal<Inspecting | null>({ page: "transcript", block: null, past: null });
    render(h(Inspector, { session, inspecting, Result }), box);
    const tabs = [...box.querySelectorAll("[role=tab]")].map((tab) => tab.textContent);
    expect(tabs).toEqual(["Transcript", "Events", "Timeline"]);
    render(null, box);
    box.remove();
  });
});

describe("a connection", () => {
  it("begins with the page's greeting, and draws what comes", () => {
    newest().open();
    expect(newest().received).toEqual([{ t: "hello", have: 0 }]);
    newest().emit(RUN, ["open", "t", "run", { kind: "text", text: "Hel" }]);
    newest().emit(["append", "t", "text", "lo"]);
    expect(texts(session)).toEqual([undefined, "Hello"]);
    expect(model.connection.value).toBe("open");
  });

  it("that is lost is made again, and nothing is missing and nothing comes twice", () => {
    newest().open();
    newest().emit(RUN, ["open", "t", "run", { kind: "text", text: "Hel" }]);
    newest().emit(["append", "t", "text", "lo"]);
    const have = session.channel.lastSeq;
    newest().drop();
    expect(model.connection.value).toBe("lost");
    FakeSocket.ops.push(["append", "t", "text", ", world"]); // nobody hears it
    vi.advanceTimersByTime(0);
    newest().open();
    expect(newest().received[0]).toEqual({ t: "hello", have });
    newest().emit(["append", "t", "text", "!"]);
    expect(texts(session)).toEqual([undefined, "Hello, world!"]);
  });

  it("is tried again at growing intervals", () => {
    newest().drop();
    vi.advanceTimersByTime(0);
    for (const pause of [500, 1000, 2000]) {
      const before = FakeSocket.all.length;
      newest().drop();
      vi.advanceTimersByTime(pause - 1);
      expect(FakeSocket.all.length).toBe(before);
      vi.advanceTimersByTime(1);
      expect(FakeSocket.all.length).toBe(before + 1);
    }
  });

  it("carries what the reader wrote meanwhile, once, after the greeting", () => {
    newest().open();
    newest().emit(RUN);
    newest().drop();
    session.channel.send({ t: "toggle", block: "t", open: true });
    session.stop();
    vi.advanceTimersByTime(0);
    newest().open();
    expect(kinds(newest())).toEqual(["hello", "stop", "toggle"]);
  });

  it("that is lost with a prompt sends it again, until the server says that it is asked", () => {
    newest().open();
    newest().emit(RUN, ["set", "run", { status: "completed", ended: 2, turns: 0 }]);
    session.chat.change({ text: "hello" });
    session.chat.say();
    const said = newest().received.at(-1);
    newest().drop();
    vi.advanceTimersByTime(0);
    newest().open();
    expect(newest().received).toEqual([{ t: "hello", have: expect.any(Number) }, said]);
    expect(session.chat.sent.value).not.toBeNull();
    newest().onmessage({ data: JSON.stringify({ t: "said", key: (said as { key: string }).key }) });
    expect([session.chat.sent.value, session.chat.draft.value.text]).toEqual([null, ""]);
    newest().drop();
    vi.advanceTimersByTime(0);
    newest().open();
    expect(kinds(newest())).toEqual(["hello"]);
  });

  it("that no prompt comes through on is made again", () => {
    newest().open();
    newest().emit(RUN, ["set", "run", { status: "completed", ended: 2, turns: 0 }]);
    const dead = newest();
    dead.onmessage = () => {};
    session.chat.change({ text: "hello" });
    session.chat.say();
    vi.advanceTimersByTime(60_000);
    expect(newest()).not.toBe(dead);
  });

  it("that carries prompts gives each a key of its own", () => {
    newest().open();
    newest().emit(RUN, ["set", "run", { status: "completed", ended: 2, turns: 0 }]);
    for (const text of ["a", "b"]) {
      session.chat.change({ text });
      session.chat.say();
    }
    const keys = newest().received.flatMap((message) => (message.t === "say" ? [message.key] : []));
    expect(new Set(keys).size).toBe(2);
  });

  it("that the server refuses gives the prompt back to the input line", () => {
    newest().open();
    newest().emit(RUN, ["set", "run", { status: "completed", ended: 2, turns: 0 }]);
    session.chat.change({ text: "hello" });
    session.chat.say();
    newest().drop(4404, "there is no session");
    expect([session.chat.sent.value, session.chat.draft.value.text]).toEqual([null, "hello"]);
  });

  it("that answers no question is made again", () => {
    newest().open();
    newest().emit(RUN);
    const silent = newest();
    silent.onmessage = () => {};
    session.channel.hello();
    vi.advanceTimersByTime(60_000);
    expect(newest()).not.toBe(silent);
  });

  it("is made at once when the machine is on a network again", () => {
    newest().open();
    newest().drop();
    vi.advanceTimersByTime(0);
    newest().drop();
    const before = FakeSocket.all.length;
    window.dispatchEvent(new Event("online"));
    expect(FakeSocket.all.length).toBe(before + 1);
  });

  it("that the server refuses is not tried again, and says why", () => {
    newest().open();
    newest().drop(4404, "there is no run");
    vi.advanceTimersByTime(60_000);
    expect([model.connection.value, model.reason, FakeSocket.all.length]).toEqual([
      "refused",
      "there is no run",
      1,
    ]);
    expect(session.kernel.state.value).toBe("gone");
  });

  it("ends with the view", () => {
    newest().open();
    model.close();
    vi.advanceTimersByTime(60_000);
    expect(FakeSocket.all.length).toBe(1);
  });

  it("takes no harm from what is no JSON", () => {
    newest().open();
    newest().onmessage({ data: "{" });
    newest().emit(RUN);
    expect(session.store.run.value).not.toBeNull();
  });
});
