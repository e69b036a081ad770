/** Streaming of Markdown: the DOM is the same however the text is cut. */

import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { sample, WHOLE } from "./figures";
import { corpus, cut, drawn, type Example, plainView, random, stopClock } from "./support";

const texts = new Set([
  ...corpus<Example[]>("markdown/commonmark_0.31.2.json").map((item) => item.markdown),
  ...corpus<Example[]>("markdown/gfm_spec.json").map((item) => item.markdown),
  ...corpus<Example[]>("markdown/gfm_extensions.json").map((item) => item.markdown),
  ...corpus<Example[]>("markdown/cmark_regression.json").map((item) => item.markdown),
  ...corpus<{ input: string }[]>("markdown/remend.json").map((item) => item.input),
]);

beforeEach(stopClock);
afterEach(() => void vi.useRealTimers());

function streamed(pieces: string[]): string {
  const view = plainView();
  for (const piece of pieces) view.append(piece);
  view.finish();
  return view.node.outerHTML;
}

describe("however a text is cut, the final DOM is that of the whole", () => {
  test("the corpora hold 1,300 different texts", () => {
    expect(texts.size).toBeGreaterThan(1300);
  });

  test("cut into single characters", () => {
    for (const text of sample([...texts], 120)) {
      expect(streamed([...text]), JSON.stringify(text)).toBe(drawn(text).outerHTML);
    }
  });

  test("a delimiter row too long to be held back, that turns out to be none", () => {
    const text = `para\n| a | b |\n|${"-".repeat(150)}|${"-".repeat(150)}| x\nmore\n`;
    expect(streamed([...text])).toBe(drawn(text).outerHTML);
    expect(drawn(text).querySelector("table")).toBeNull();
  });

  test("cut at random", () => {
    const next = random(7);
    for (const text of sample([...texts], 400)) {
      const pieces = cut(text, 12, next);
      expect(streamed(pieces), JSON.stringify(pieces)).toBe(drawn(text).outerHTML);
    }
  });

  test("joined into long texts, cut at random", () => {
    const next = random(11);
    const all = [...texts];
    for (let round = 0; round < (WHOLE ? 150 : 30); round++) {
      const some = Array.from({ length: 6 }, () => all[Math.floor(next() * all.length)]);
      const text = some.join(round % 2 ? "\n" : "\n\n");
      const pieces = cut(text, 30, next);
      expect(streamed(pieces), JSON.stringify(pieces)).toBe(drawn(text).outerHTML);
    }
  });
});
