/**
 * Text, URLs, HTML and formulas, judged as the kernel's documents judge them: tests/shared is read
 * by both languages.
 */

import { describe, expect, test } from "vitest";
import html from "../../../tests/shared/html.json";
import math from "../../../tests/shared/math.json";
import texts from "../../../tests/shared/readable.json";
import urls from "../../../tests/shared/urls.json";
import { parseBlocks, parseInlines, type Token } from "../../src/markdown/grammar";
import { htmlToDom } from "../../src/markdown/sanitize";
import { hostOf, inlineImage, safeUrl, visibleUrl } from "../../src/markdown/url";
import { prose, readable, visible } from "../../src/readable";

type Row = [source: string, expected: unknown];

describe("text", () => {
  test.each(Object.entries({ visible, prose, readable }))("%s", (name, show) => {
    for (const [source, expected] of texts[name as keyof typeof texts] as Row[])
      expect(show(source), source).toBe(expected);
  });
});

describe("URLs", () => {
  const functions = {
    safe_url: safeUrl,
    inline_image: inlineImage,
    visible_url: visibleUrl,
    host_of: hostOf,
  };
  test.each(Object.entries(functions))("%s", (name, judge) => {
    for (const [source, expected] of urls[name as keyof typeof urls] as Row[])
      expect(judge(source), source).toBe(expected);
  });
});

describe("HTML", () => {
  test.each(html as Row[])("%s", (source, expected) => {
    const holder = document.createElement("div");
    holder.append(htmlToDom(source));
    // The page has a style sheet for these, and writes declarations with spaces between them.
    for (const node of holder.querySelectorAll("a.nb-image")) node.removeAttribute("class");
    for (const node of holder.querySelectorAll("span.nb-image"))
      node.replaceWith(...node.childNodes);
    expect(
      holder.innerHTML.replace(/style="[^"]*"/g, (style) =>
        style.replace(/(:|;) /g, "$1").replace(';"', '"'),
      ),
    ).toBe(expected);
  });
});

describe("formulas", () => {
  test.each(math as Row[])("%s", (source, expected) => {
    const { tokens } = parseBlocks(source);
    parseInlines(tokens, () => undefined);
    expect(formulas(tokens)).toEqual(expected);
  });
});

function formulas(tokens: Token[]): string[] {
  return tokens.flatMap((token) =>
    token.type === "math" || token.type === "math_block"
      ? [token.content]
      : formulas(token.children ?? []),
  );
}
