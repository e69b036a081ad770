/**
 * Lost and repeated messages, in both directions: every view ends with the kernel's tree. Jupyter
 * keeps the order.
 */

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Channel } from "../src/channel";
import { Store } from "../src/store";
import { Kernel, seeded } from "./kernel";

declare const process: { env: Record<string, string | undefined> };

/** `make proof` tries many more. */
const CASES = process.env.NBAGENT_PROOF ? 400 : 25;
const TIMEOUT_MS = 300_000;
const STEPS = 120;
const TICK_MS = 50;

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

class View {
  readonly store = new Store();
  readonly channel: Channel;
  asked = 0;
  #receive: (raw: unknown) => void = () => {};

  /** @param lost - how many copies of a message get through: 0, 1 or 2. */
  constructor(
    readonly kernel: Kernel,
    readonly copies: () => number,
  ) {
    this.channel = new Channel({
      store: this.store,
      port: {
        listen: (receive) => {
          this.#receive = receive;
          return () => {};
        },
        send: (message) => {
          if (message.t === "resync" || message.t === "hello") this.asked += 1;
          for (let copy = copies(); copy > 0; copy -= 1) kernel.receive(message);
        },
      },
    });
    this.channel.hello();
  }

  receive(message: unknown): void {
    for (let copy = this.copies(); copy > 0; copy -= 1) this.#receive(structuredClone(message));
  }
}

/** One thing that happens in a run: a block opens or closes, grows, changes. */
function* happenings(random: () => number): Generator<unknown[]> {
  yield ["open", "run", null, { kind: "run", status: "running" }];
  const open: string[] = [];
  for (let count = 0; ; count += 1) {
    const at = open[Math.floor(random() * open.length)];
    const dice = random();
    if (at === undefined || dice < 0.2) {
      const parent = at !== undefined && random() < 0.3 ? at : "run";
      open.push(`b${count}`);
      yield ["open", `b${count}`, parent, { kind: random() < 0.5 ? "text" : "tool", text: "" }];
    } else if (dice < 0.7) yield ["append", at, "text", `${count} `];
    else if (dice < 0.9) yield ["set", at, { state: count }];
    else {
      open.splice(open.indexOf(at), 1);
      yield ["close", at];
    }
  }
}

describe.each([0.02, 0.2, 0.6])("with every message lost at odds of %d", (odds) => {
  it(
    "two views have the kernel's tree",
    async () => {
      for (let seed = 0; seed < CASES; seed += 1) {
        const random = seeded(seed * 7919 + odds * 1000);
        let faulty = true;
        const copies = () => (!faulty ? 1 : random() < odds ? 0 : random() < 0.05 ? 2 : 1);
        const views: View[] = [];
        const kernel = new Kernel((message) => {
          for (const view of views) view.receive(message);
        });
        const life = happenings(random);
        views.push(new View(kernel, copies));
        for (let step = 0; step < STEPS; step += 1) {
          if (step === 40) views.push(new View(kernel, copies));
          for (let count = Math.floor(random() * 4); count > 0; count -= 1)
            kernel.emit(life.next().value);
          if (random() < 0.8) kernel.tick();
          await vi.advanceTimersByTimeAsync(random() < 0.05 ? 3000 : TICK_MS);
        }
        faulty = false;
        for (let quiet = 0; quiet < 80; quiet += 1) {
          kernel.tick();
          await vi.advanceTimersByTimeAsync(1000);
        }
        expect(kernel.idle).toBe(true);
        for (const view of views) {
          expect(view.store.toRecords(), `seed ${seed}`).toEqual(kernel.tree.toRecords());
          expect(view.channel.lastSeq).toBe(kernel.seq);
          view.channel.dispose();
        }
      }
    },
    TIMEOUT_MS,
  );
});

it("a lost batch costs one question, and one snapshot for both views", async () => {
  const views: View[] = [];
  const sent: string[] = [];
  const kernel = new Kernel((message) => {
    if (message.t === "snapshot" && message.first) sent.push("snapshot");
    for (const view of views) view.receive(message);
  }, 1);
  let losing = false;
  views.push(new View(kernel, () => (losing ? 0 : 1)), new View(kernel, () => 1));
  kernel.tick();
  for (let count = 0; count < 5; count += 1) {
    losing = count === 2;
    kernel.emit(["open", `b${count}`, null, { kind: "text", text: "" }]);
    kernel.tick();
    losing = false;
    await vi.advanceTimersByTimeAsync(TICK_MS);
  }
  while (!kernel.idle) kernel.tick();
  expect(views.map((view) => view.asked)).toEqual([2, 1]);
  expect(sent).toEqual(["snapshot", "snapshot"]);
  for (const view of views) {
    expect(view.store.toRecords()).toEqual(kernel.tree.toRecords());
    view.channel.dispose();
  }
});

it("blocks keep their identity, and the reader's choices, over a snapshot", () => {
  const views: View[] = [];
  const kernel = new Kernel((message) => {
    for (const view of views) view.receive(message);
  }, 2);
  const view = new View(kernel, () => 1);
  views.push(view);
  kernel.emit(
    ["open", "a", null, { kind: "tool", name: "f" }],
    ["open", "b", "a", { kind: "text", text: "x" }],
  );
  while (!kernel.idle) kernel.tick();
  const [first, second] = [...view.store.all];
  if (first) first.userOpen.value = false;
  view.channel.hello();
  kernel.emit(["append", "b", "text", "yz"]);
  while (!kernel.idle) kernel.tick();
  expect([...view.store.all]).toEqual([first, second]);
  expect(second?.stream("text").text).toBe("xyz");
  expect(first?.userOpen.value).toBe(false);
  view.channel.dispose();
});
