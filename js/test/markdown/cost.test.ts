/** Cost of Markdown: how much is parsed and drawn while a text grows. */

import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { MarkdownView } from "../../src/markdown";
import { BOX_CHARS } from "../../src/markdown/code-text";
import { grammar } from "../../src/markdown/grammar";
import { WHOLE } from "./figures";
import { corpus, cut, drawn, plainView, random, stopClock } from "./support";

beforeEach(stopClock);
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** Counts calls of the parser and the characters it is given. */
function counted() {
  const count = { calls: 0, chars: 0 };
  const parse = grammar.block.parse.bind(grammar.block);
  vi.spyOn(grammar.block, "parse").mockImplementation((source, ...rest) => {
    count.calls++;
    count.chars += source.length;
    parse(source, ...rest);
  });
  return count;
}

function answer(length: number): string {
  const block =
    "Some **bold** text with `code` and a [link](https://a.example) that goes on for a line or two of a paragraph.\n\n" +
    "- one item\n- another item\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n```py\nprint('hello')\nx = 1\n```\n\n## Heading\n\n";
  return block.repeat(Math.ceil(length / block.length)).slice(0, length);
}

describe("work is proportional to the text, counted in characters parsed (with no pause between parses)", () => {
  test("an answer of many blocks: four times the text, four times the work", () => {
    const chars = (WHOLE ? [50_000, 200_000] : [4_000, 16_000]).map((length) => {
      const count = counted();
      const view = plainView();
      for (const piece of cut(answer(length), 12, random(3))) view.append(piece);
      view.finish();
      vi.restoreAllMocks();
      return count.chars / length;
    });
    for (const perChar of chars) expect(perChar).toBeLessThan(15);
    expect(Math.max(...chars) / Math.min(...chars)).toBeLessThan(1.05);
  });

  test.each([
    ["at the top", "```py\n", ""],
    ["in a list", "1. run:\n\n   ```py\n", "   "],
  ])("an open fence of 100 KB %s is parsed a fixed number of times", (_, opener, indent) => {
    const count = counted();
    const view = plainView();
    view.append(opener);
    for (let line = 0; line < 4000; line++)
      for (const piece of [`${indent}x = ca`, "ll(1234567", "89)\n"]) view.append(piece);
    view.finish();
    expect(view.node.querySelector("code")?.textContent).toBe("x = call(123456789)\n".repeat(4000));
    expect(count.calls).toBeLessThanOrEqual(4);
  });

  test.each(["\n```\n\nafter it", "\n```\n", "\n```"])(
    "a fence of 200 KB that closes with %j stays one block where long blocks are cut, and is not parsed again with what follows",
    (closer) => {
      const count = counted();
      const page = document.createElement("div");
      const view = new MarkdownView({ loadModule: () => new Promise(() => {}), windowed: true });
      page.append(view.node);
      const code = Array.from({ length: 10_000 }, (_, line) => `x = call(${line})\n`).join("");
      for (const piece of ["before\n\n```py\n", ...cut(code, 8_000, random(4))]) view.append(piece);
      for (const piece of [closer, "\n", ...Array(50).fill("and so on ")]) view.append(piece);
      view.finish();
      expect([...page.querySelectorAll("code")].map((node) => node.textContent)).toEqual([
        `${code}\n`,
      ]);
      expect(page.querySelectorAll("p")).toHaveLength(2);
      expect(count.chars).toBeLessThan(3 * code.length);
    },
  );

  test("an open fence of 10,000 lines: each piece is written into a box of at most a few thousand characters, and touches no other", () => {
    const view = plainView();
    view.append("```py\n");
    const observer = new MutationObserver(() => {});
    const touched: number[] = [];
    let longest = 0;
    for (let line = 0; line < 10_000; line++) {
      for (const piece of [`line ${line} of a program `, "that goes on\n"]) {
        view.append(piece);
        const code = view.node.querySelector("code");
        if (line === 0 && code)
          observer.observe(code, { subtree: true, childList: true, characterData: true });
        const records = observer.takeRecords();
        touched.push(records.length);
        for (const { target } of records)
          if (target instanceof Text) longest = Math.max(longest, target.length);
      }
    }
    // The most: a box and its text come, the caret goes there, and text is added.
    expect(Math.max(...touched)).toBeLessThanOrEqual(5);
    expect(longest).toBeLessThan(BOX_CHARS + 100);
    expect(view.node.querySelector("code")?.textContent?.split("\n")).toHaveLength(10_001);
    observer.disconnect();
  });

  test("a long list is parsed again only after a rest of eight times the last parse", () => {
    let parsed = 0;
    const parse = grammar.block.parse.bind(grammar.block);
    // Each parse takes as many ms as there are thousands of characters.
    vi.spyOn(grammar.block, "parse").mockImplementation((source, ...rest) => {
      parse(source, ...rest);
      parsed += source.length;
      vi.advanceTimersByTime(source.length / 1000);
    });
    const view = plainView();
    const began = performance.now();
    const items = WHOLE ? 2000 : 700;
    for (let item = 0; item < items; item++) {
      view.append(`- item number ${item}\n`);
      vi.advanceTimersByTime(5);
    }
    expect(parsed / 1000).toBeLessThan((performance.now() - began) / 8);
    vi.advanceTimersByTime(1000);
    expect(view.node.querySelectorAll("li")).toHaveLength(items);
    view.finish();
  });

  test.each([
    [
      "a list is never parsed at more than a block's and a piece's length",
      "- an item with *some* words\n",
      36_000,
    ],
    [
      "quoted code, which is not cut, still waits for its rest",
      "> x = 1\n",
      Number.POSITIVE_INFINITY,
    ],
  ])("however fast a text comes: %s", (_, line, most) => {
    const lengths: number[] = [];
    const parse = grammar.block.parse.bind(grammar.block);
    vi.spyOn(grammar.block, "parse").mockImplementation((source, ...rest) => {
      parse(source, ...rest);
      lengths.push(source.length);
      vi.advanceTimersByTime(source.length / 1000);
    });
    const page = document.createElement("div");
    const view = new MarkdownView({ loadModule: () => new Promise(() => {}), windowed: true });
    page.append(view.node);
    view.append(line.startsWith(">") ? "> ```py\n" : line);
    for (let piece = 0; piece < 40; piece++) {
      view.append(line.repeat(4000 / line.length));
      vi.advanceTimersByTime(5);
    }
    view.finish();
    expect(Math.max(...lengths)).toBeLessThan(most);
    expect(lengths.length).toBeLessThan(30);
  });

  test("finish draws at once what waits for its turn", () => {
    const parse = grammar.block.parse.bind(grammar.block);
    vi.spyOn(grammar.block, "parse").mockImplementation((source, ...rest) => {
      parse(source, ...rest);
      vi.advanceTimersByTime(10);
    });
    const view = plainView();
    view.append("one");
    view.append(" two");
    expect(view.node.textContent).toBe("one");
    view.finish();
    expect(view.node.textContent).toBe("one two");
    expect(vi.getTimerCount()).toBe(0);
  });

  test("dispose leaves no timer", () => {
    const parse = grammar.block.parse.bind(grammar.block);
    vi.spyOn(grammar.block, "parse").mockImplementation((source, ...rest) => {
      parse(source, ...rest);
      vi.advanceTimersByTime(10);
    });
    const view = plainView();
    view.append("one");
    view.append(" two");
    expect(vi.getTimerCount()).toBe(1);
    view.dispose();
    view.append(" three");
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe("pathological texts end", () => {
  const cases = corpus<{ name: string; parts: [string, number][] }[]>(
    "markdown/cmark_gfm_pathological.json",
  );
  const ours = [
    { name: "math openers", parts: [["\\( ", 30_000]] },
    {
      name: "math openers far from a closer",
      parts: [
        ["\\( a ", 30_000],
        ["\\)", 1],
      ],
    },
    { name: "dollars", parts: [["$a ", 50_000]] },
    { name: "double dollars", parts: [["$$ ", 50_000]] },
    {
      name: "bullets on one line",
      parts: [
        ["- ", 30_000],
        ["x", 1],
      ],
    },
    { name: "backticks", parts: [["`a ``", 30_000]] },
    { name: "half links", parts: [["[a](b 'c' ", 20_000]] },
    { name: "pipes", parts: [["|", 50_000]] },
  ] as { name: string; parts: [string, number][] }[];

  test.each([...cases, ...ours])("$name", ({ parts }) => {
    const text = parts
      .map(([unit, repeat]) => unit.repeat(WHOLE ? repeat : Math.ceil(repeat / 15)))
      .join("");
    const view = plainView();
    view.append(text);
    view.append("x");
    view.finish();
    expect(view.node.childNodes.length).toBeGreaterThan(0);
    expect(drawn("x").textContent).toBe("x");
  });
});
