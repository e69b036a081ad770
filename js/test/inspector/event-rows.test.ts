/** Rows of events, read page by page. */

import { describe, expect, it } from "vitest";
import type { EventsAnswer, Row } from "../../src/inspector/answers";
import { readEvents } from "../../src/inspector/answers";
import { since } from "../../src/inspector/event-list";
import { EventRows } from "../../src/inspector/event-rows";
import { options } from "../../src/inspector/events";

/**
 * A kernel with so many events that match, all of which it has looked at unless `stretch` says how
 * many a question.
 */
class Events {
  readonly asked: number[] = [];
  seen = 0;

  constructor(
    public count: number,
    private readonly room = 100,
    private readonly stretch = Number.POSITIVE_INFINITY,
  ) {}

  readonly answer = async (at: number): Promise<EventsAnswer> => {
    this.asked.push(at);
    this.seen = Math.min(this.count, this.seen + this.stretch);
    const length = Math.max(0, Math.min(this.room, this.seen - at));
    const rows = Array.from({ length }, (_, i) => row(at + i));
    return { rows, facts: { total: this.seen, seen: this.seen, count: this.count, types: [] } };
  };
}

const row = (index: number): Row => ({
  number: index + 1,
  time: index,
  type: "text.delta",
  summary: `"${index}"`,
});
const done = () => new Promise((resolve) => setTimeout(resolve));

describe("the rows", () => {
  it("are asked for where the reader looks, a page at a time", async () => {
    const kernel = new Events(10_000);
    const rows = new EventRows(kernel.answer);
    rows.setRange(0, 30);
    await done();
    rows.setRange(5090, 5120);
    await done();
    expect(kernel.asked).toEqual([0, 5000, 5100]);
    expect(rows.row(5119)).toEqual(row(5119));
    expect(rows.row(5200)).toBeUndefined();
  });

  it("are whole also where the kernel has room for fewer", async () => {
    const rows = new EventRows(new Events(250, 30).answer);
    rows.setRange(0, 250);
    await done();
    expect(Array.from({ length: 250 }, (_, i) => rows.row(i))).toEqual(
      Array.from({ length: 250 }, (_, i) => row(i)),
    );
  });

  it("are searched for until the kernel has looked at all", async () => {
    const kernel = new Events(1000, 100, 300);
    const rows = new EventRows(kernel.answer);
    rows.setRange(0, 30);
    await done();
    expect(rows.facts.value).toMatchObject({ total: 1000, seen: 1000 });
    expect(kernel.asked).toEqual([0, 300, 600, 900]);
  });

  it("that come later go on where the others end", async () => {
    const kernel = new Events(150);
    const rows = new EventRows(kernel.answer);
    rows.setRange(100, 130);
    await done();
    kernel.count = 170;
    rows.setEventCount(170);
    await done();
    rows.setRange(140, 170);
    await done();
    expect(rows.row(169)).toEqual(row(169));
    expect(rows.row(100)).toEqual(row(100));
  });

  it("that are far from the reader are let go, and come back", async () => {
    const rows = new EventRows(new Events(10_000).answer);
    for (let at = 0; at < 10_000; at += 100) {
      rows.setRange(at, at + 30);
      await done();
    }
    expect(rows.row(0)).toBeUndefined();
    rows.setRange(0, 30);
    await done();
    expect(rows.row(0)).toEqual(row(0));
  });

  it("say what went wrong, and can be asked for again", async () => {
    const kernel = new Events(10);
    let fails = true;
    const rows = new EventRows((at) =>
      fails ? Promise.reject(new Error("the kernel is gone")) : kernel.answer(at),
    );
    rows.setRange(0, 10);
    await done();
    expect(rows.problem.value).toBe("the kernel is gone");
    fails = false;
    rows.retry();
    await done();
    expect(rows.problem.value).toBeNull();
    expect(rows.row(9)).toEqual(row(9));
  });

  it("are not asked for without end by a kernel that gives none", async () => {
    const asked: number[] = [];
    const rows = new EventRows(async (at) => {
      asked.push(at);
      return { rows: [], facts: { total: 5, seen: 5, count: 5, types: [] } };
    });
    rows.setRange(0, 30);
    await done();
    expect(asked.length).toBeLessThan(4);
  });

  it("are no longer drawn when nobody looks", async () => {
    const rows = new EventRows(new Events(10).answer);
    rows.setRange(0, 10);
    rows.close();
    await done();
    expect(rows.facts.value).toBeNull();
  });
});

describe("an answer", () => {
  it("may have rows of events that are gone, and anything else that is no row", () => {
    const text =
      '{"rows":[[1],[2,3.5,"text.delta","\\"a\\""],7,null],"total":2,"seen":2,"count":2,"types":{"text.delta":2}}';
    expect(readEvents(text)).toEqual({
      rows: [
        { number: 1, time: null, type: "", summary: "" },
        { number: 2, time: 3.5, type: "text.delta", summary: '"a"' },
      ],
      facts: { total: 2, seen: 2, count: 2, types: [["text.delta", 2]] },
    });
  });
});

it("types of one family stand together below the family", () => {
  const types = [
    ["run.start", 1],
    ["text.start", 1],
    ["text.delta", 1200],
  ] as const;
  expect(options(types)).toEqual([
    ["run.start", "run.start (1)"],
    ["text.*", "text (1,201)"],
    ["text.start", "\u00a0\u00a0text.start (1)"],
    ["text.delta", "\u00a0\u00a0text.delta (1,200)"],
  ]);
});

it("times are counted from the start", () => {
  expect([since(0), since(1.2345), since(-3), since(63.25)]).toEqual([
    "+0.000s",
    "+1.234s",
    "+0.000s",
    "+1m 03.3s",
  ]);
});
