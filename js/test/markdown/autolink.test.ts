/**
 * Bare URLs become links as on GitHub; where GitHub and linkify-it agree, the package is the judge.
 */

import { describe, expect, it } from "vitest";
// @ts-expect-error this path of the package has no types
import { LinkifyIt as PackagedLinkify } from "../../node_modules/linkify-it/build/index.mjs";
import { LinkifyIt } from "../../src/markdown/autolink";
import { grammar } from "../../src/markdown/grammar";

describe("bare URLs", () => {
  const theirs = new PackagedLinkify().set({ fuzzyLink: false, fuzzyEmail: false });
  const ours = new LinkifyIt();

  it.each([
    "see https://example.org now",
    "https://example.org/a/b?c=d&e=f#g",
    "https://example.org.",
    "https://example.org/a, and more",
    "(https://example.org/a)",
    "https://en.wikipedia.org/wiki/Rust_(language)",
    "(see https://en.wikipedia.org/wiki/Rust_(language))",
    "https://example.org/a?",
    "https://example.org/a!",
    "<https://example.org/a>",
    "http://localhost:8888/lab",
    "http://127.0.0.1:8080/x",
    "http://[::1]:80/",
    "HTTPS://EXAMPLE.ORG/",
    "ftp://example.org/file",
    "mailto:ana@example.org",
    "https://münchen.example/straße",
    "https://example.org/a\nhttps://example.org/b",
    "no link here: at all",
    "https://",
    "https:// example.org",
    "xhttps://example.org",
    "javascript://example.org",
    "https://example.org/[a]",
    "https://example.org/a]b",
    "https://example.org/~user/-/x",
    "https://a.b-c.example/x--y",
    "'https://example.org/a'",
    '"https://example.org/a"',
  ])("%s", (text) => {
    const spans = (links: { index: number; lastIndex: number }[] | null) =>
      (links ?? []).map(({ index, lastIndex }) => text.slice(index, lastIndex));
    expect(spans(ours.match(text))).toEqual(spans(theirs.match(text)));
  });

  it.each([
    "https://example.org/a: b",
    "**https://example.org/a** b",
    "https://example.org/a&amp;",
  ])("end before punctuation as GitHub's do: %s", (text) => {
    expect(ours.match(text)?.map((link) => link.url)).toEqual(["https://example.org/a"]);
  });

  it.each([
    ["www.a.example/b?c=(d)).", ["http://www.a.example/b?c=(d)"]],
    ["(www.a.example) xwww.b.example /www.c.example", ["http://www.a.example"]],
    ["ana.b-c_d@a.example. or a@b, a@b.c-, a@b.c_", ["mailto:ana.b-c_d@a.example"]],
    ["README.md, a.example, 10.0.0.1, @name", []],
  ])("without a scheme, as GitHub's: %s", (text, urls) => {
    expect((ours.match(text) ?? []).map((link) => link.url)).toEqual(urls);
  });

  it("take linear time however long the text is", () => {
    const text = `https://example.org/${"(".repeat(50_000)} ${"https://".repeat(20_000)} ${"a.".repeat(50_000)} ${"www.".repeat(50_000)} ${"a@b.".repeat(50_000)}`;
    expect(ours.match(text)?.[0]?.index).toBe(0);
  });
});

describe("the host of a link", () => {
  it.each([
    [
      "https://münchen.example/straße",
      "https://xn--mnchen-3ya.example/stra%C3%9Fe",
      "https://münchen.example/straße",
    ],
    [
      "https://xn--mnchen-3ya.example/",
      "https://xn--mnchen-3ya.example/",
      "https://xn--mnchen-3ya.example/",
    ],
    ["http://[::1]:80/[a]", "http://[::1]:80/%5Ba%5D", "http://[::1]:80/[a]"],
    ["https://a.example/%41%20%2F", "https://a.example/%41%20%2F", "https://a.example/A %2F"],
  ])("is ASCII, and shown as it is written: %s", (written, url, text) => {
    expect(grammar.normalizeLink(written)).toBe(url);
    expect(grammar.normalizeLinkText(written)).toBe(text);
  });
});
