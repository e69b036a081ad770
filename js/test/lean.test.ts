/** The stand-ins for big packages agree with the packages themselves. */

import { describe, expect, it } from "vitest";
import { encodeHTML, decodeHTMLStrict as packaged } from "../node_modules/entities/dist/index.js";
// @ts-expect-error this path of the package has no types
import { LinkifyIt as PackagedLinkify } from "../node_modules/linkify-it/build/index.mjs";
// @ts-expect-error this path of the package has no types
import * as packagedUrl from "../node_modules/mdurl/index.mjs";
// @ts-expect-error this path of the package has no types
import { Cc, P, S, Z } from "../node_modules/uc.micro/build/index.mjs";
import { decodeHTMLStrict } from "../src/lean/entities";
import { LinkifyIt } from "../src/lean/linkify";
import * as leanUrl from "../src/lean/mdurl";
import { Cc as leanCc, P as leanP, S as leanS, Z as leanZ } from "../src/lean/unicode";

function* codePoints(from: number, to: number): Generator<string> {
  for (let code = from; code < to; code += 1) yield String.fromCodePoint(code);
}

describe("entities", () => {
  it("know every character that has a name", () => {
    const named = [...codePoints(1, 0xd800), ...codePoints(0x1d400, 0x1d800)].map(encodeHTML);
    const names = named.filter((text) => /^&[a-z]/i.test(text));
    expect(names.length).toBeGreaterThan(1400);
    for (const name of names) expect(decodeHTMLStrict(name)).toBe(packaged(name));
  });

  it.each([
    "&amp",
    "&notit;",
    "&gtx;",
    "&nosuch;",
    "&semi;",
    "&fjlig;",
    "&nGt;",
    "&acE;",
    "&#65;",
    "x&amp;",
    "&AMP;",
    "&Amp;",
    "&;",
  ])("%s", (text) => {
    if (/^&[a-z]\w*;$/i.test(text)) expect(decodeHTMLStrict(text)).toBe(packaged(text));
    else expect(decodeHTMLStrict(text)).toBe(text);
  });
});

describe("character classes", () => {
  it.each<[RegExp, RegExp]>([
    [leanP, P],
    [leanS, S],
    [leanZ, Z],
    [leanCc, Cc],
  ])("%s is the same for almost every character", (ours, theirs) => {
    const differing = [...codePoints(0, 0xd800), ...codePoints(0xe000, 0x1fb00)].filter(
      (char) => ours.test(char) !== theirs.test(char),
    );
    // The tables of the package and of the engine may be a Unicode version apart.
    expect(differing.filter((char) => (char.codePointAt(0) ?? 0) < 0x600)).toEqual([]);
    expect(differing.length).toBeLessThan(80);
  });
});

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

  it.each(["https://example.org/a: b", "**https://example.org/a** b", "https://example.org/a&amp;"])(
    "end before punctuation as GitHub's do: %s",
    (text) => {
      expect(ours.match(text)?.map((link) => link.url)).toEqual(["https://example.org/a"]);
    },
  );

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

describe("URLs", () => {
  type Tools = typeof leanUrl;
  // As markdown-it does it, a host with other letters than ASCII's apart.
  const link = (tools: Tools, text: string) => {
    const url: Record<string, unknown> = { ...tools.parse(text) };
    for (const part of ["auth", "hostname", "pathname", "search", "hash"]) {
      if (url[part]) url[part] = tools.encode(url[part] as string);
    }
    return tools.format(url as never);
  };
  const label = (tools: Tools, text: string) =>
    (tools.decode as (text: string, kept: string) => string)(
      tools.format(tools.parse(text)),
      `${tools.decode.defaultChars}%`,
    );

  const STARTS = [
    "https://b.example/",
    "http://user@b.example:8080?",
    "mailto:a@b.example#",
    "",
    "/",
    "//b.example/",
    "a.b/",
  ];
  const PIECES = [
    "a",
    "b.c",
    "user@",
    ":80",
    "/",
    "?q=",
    "#",
    "%41",
    "%",
    "%zz",
    "%C3%A4",
    "%e2%82%ac",
    "%F0%9F%98%80",
  ];
  PIECES.push(
    "%2F",
    "%20",
    "[",
    "]",
    "(",
    ")",
    "\\",
    "'",
    '"',
    "<",
    "`",
    "|",
    "ä",
    "€",
    "😀",
    "\ud800",
    "*",
    "_",
    "^",
    "{",
  );

  it("are escaped and shown like the package's", () => {
    let seed = 7;
    const next = (below: number) => {
      seed = (seed * 1103515245 + 12345) % 2147483648;
      return Math.floor((seed / 2147483648) * below);
    };
    for (let round = 0; round < 4000; round += 1) {
      const rest = Array.from({ length: 1 + next(7) }, () => PIECES[next(PIECES.length)]).join("");
      const text = `${STARTS[next(STARTS.length)]}${rest}`;
      expect(link(leanUrl, text), text).toBe(link(packagedUrl, text));
      expect(label(leanUrl, text), text).toBe(label(packagedUrl, text));
    }
  });

  it.each([
    ["https://münchen.example/straße", "https://xn--mnchen-3ya.example/stra%C3%9Fe"],
    ["https://xn--mnchen-3ya.example/", "https://xn--mnchen-3ya.example/"],
    ["http://[::1]:80/[a]", "http://[::1]:80/%5Ba%5D"],
  ])("have their host in ASCII: %s", (text, ascii) => {
    const url = leanUrl.parse(text);
    const hostname = leanUrl.default.toASCII(url.hostname ?? "");
    expect(leanUrl.format({ ...url, hostname, pathname: leanUrl.encode(url.pathname) })).toBe(ascii);
  });
});
