/** Syntax colouring of JSON, cut anywhere. */

import { expect, it } from "vitest";
import { JsonInk } from "../../src/ui/json-ink";

const TEXT =
  '{"column": "re\\"gion", "n": [1, -2.5e3, true], "deep": {"a,b": null}, "s": "{\\"x\\": 1}"}';

function inked(pieces: string[]): HTMLElement {
  const ink = new JsonInk(document.createElement("pre"));
  for (const piece of pieces) ink.append(piece);
  return ink.node;
}

it("colours keys, strings and literals, and keeps every character", () => {
  const node = inked([TEXT]);
  const all = (kind: string) =>
    [...node.querySelectorAll(`.nb-json-${kind}`)].map((span) => span.textContent);
  expect(node.textContent).toBe(TEXT);
  expect(all("key")).toEqual(['"column"', '"n"', '"deep"', '"a,b"', '"s"']);
  expect(all("string")).toEqual(['"re\\"gion"', '"{\\"x\\": 1}"']);
  expect(all("literal")).toEqual(["1", "-2.5e3", "true", "null"]);
});

it("gives the same elements however the text is cut", () => {
  const whole = inked([TEXT]);
  for (let cut = 0; cut <= TEXT.length; cut += 1) {
    expect(inked([TEXT.slice(0, cut), TEXT.slice(cut)]).isEqualNode(whole)).toBe(true);
  }
  expect(inked([...TEXT]).isEqualNode(whole)).toBe(true);
});

it("stops colouring a very long text but shows it whole", () => {
  const text = '"a",'.repeat(50_000);
  const node = inked([text]);
  expect(node.textContent).toBe(text);
  expect(node.childNodes.length).toBeLessThan(11_000);
});
