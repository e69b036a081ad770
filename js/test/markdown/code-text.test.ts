/** Text of a code block, in boxes of whole lines. */

import { describe, expect, test } from "vitest";
import { BOX_CHARS, CodeText } from "../../src/markdown/code-text";
import { cut, random } from "./support";

const LINES = Array.from(
  { length: 700 },
  (_, line) => `line ${line} ${"x".repeat(line % 50)}\n`,
).join("");

function written(...pieces: string[]): { root: HTMLElement; code: CodeText } {
  const root = document.createElement("code");
  const code = new CodeText(root);
  for (const piece of pieces) code.append(piece);
  return { root, code };
}

describe("the text of a code block", () => {
  test("is one text without a box when it is short", () => {
    const { root } = written("x = 1\n", "y = 2");
    expect([...root.childNodes].map((node) => node.textContent)).toEqual(["x = 1\ny = 2"]);
  });

  test("is boxes of whole lines when it is long, the same however it was cut", () => {
    const whole = written(LINES).root;
    expect(whole.textContent).toBe(LINES);
    expect(whole.childNodes.length).toBe(Math.ceil(LINES.length / (BOX_CHARS + 30)));
    for (const box of whole.childNodes) expect(box.textContent).toMatch(/\n$/);
    for (const seed of [1, 2, 3])
      expect(written(...cut(LINES, 300, random(seed))).root.innerHTML).toBe(whole.innerHTML);
  });

  test("has a line without an end in one box", () => {
    const line = "x".repeat(3 * BOX_CHARS);
    const { root } = written(line, line, "\nnext");
    expect([...root.childNodes].map((node) => node.textContent)).toEqual([
      `${line}${line}\n`,
      "next",
    ]);
  });

  test("keeps what stands behind it behind it", () => {
    const { root, code } = written(LINES.slice(0, 100));
    const caret = document.createElement("i");
    code.end?.append(caret);
    code.append(LINES.slice(100));
    expect([code.end?.lastChild, root.lastChild?.lastChild]).toEqual([caret, caret]);
    expect(root.textContent).toBe(LINES);
  });

  test.each([0, 1, BOX_CHARS - 1, BOX_CHARS, BOX_CHARS + 1, 2 * BOX_CHARS + 500, LINES.length])(
    "replaced by another text from character %i on is as if newly written, and what is before it stays",
    (at) => {
      const { root, code } = written(LINES);
      const before = [...root.childNodes];
      for (const rest of ["", "\n", "z".repeat(10), `${LINES}end`]) {
        const wanted = LINES.slice(0, at) + rest;
        code.replace(wanted);
        expect(root.innerHTML).toBe(written(wanted).root.innerHTML);
        for (const [index, node] of before.entries())
          if ((index + 1) * (BOX_CHARS + 60) < at) expect(root.childNodes[index]).toBe(node);
      }
    },
  );
});
