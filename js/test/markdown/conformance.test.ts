import MarkdownIt from "markdown-it";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { grammar } from "../../src/markdown/grammar";
import { canonical, corpus, drawn, type Example, owed } from "./support";

const withHtml = new MarkdownIt("commonmark");
const htmlAsText = new MarkdownIt("commonmark", { html: false }).enable(["table", "strikethrough"]);

function hasRawHtml(markdown: string): boolean {
  return withHtml
    .parse(markdown, {})
    .some((token) => token.type === "html_block" || token.children?.some((child) => child.type === "html_inline"));
}

describe("CommonMark 0.31.2", () => {
  // Bare URLs become links here, as in GFM; the specification leaves them alone.
  beforeEach(() => void grammar.set({ linkify: false }));
  afterEach(() => void grammar.set({ linkify: true }));

  const examples = corpus<Example[]>("markdown/commonmark_0.31.2.json");
  const [raw, rest] = [true, false].map((wanted) => examples.filter((item) => hasRawHtml(item.markdown) === wanted));

  test("the corpus is whole: 652 examples, of which 72 hold raw HTML", () => {
    expect([examples.length, raw?.length, rest?.length]).toEqual([652, 72, 580]);
  });

  test.each(rest ?? [])("example $example ($section) is drawn as specified", ({ markdown, html }) => {
    expect(canonical(drawn(markdown))).toBe(owed(html));
  });

  test.each(raw ?? [])("example $example ($section) shows its raw HTML as text", ({ markdown }) => {
    expect(canonical(drawn(markdown))).toBe(owed(htmlAsText.render(markdown)));
  });
});

describe("GFM", () => {
  // Not ours: footnotes, bare www. and mail addresses as links, and strikethrough with one tilde ("~5 to ~10" is text).
  const sections = /^(?:Autolinks|Footnotes|Interop|Strikethroughs$)/;
  const examples = [
    ...corpus<Example[]>("markdown/gfm_spec.json").filter(({ section }) => section.includes("(extension)")),
    ...corpus<Example[]>("markdown/gfm_extensions.json"),
  ].filter(({ section, markdown }) => !sections.test(section) && !hasRawHtml(markdown));

  test("30 examples of tables, task lists and strikethrough", () => {
    expect(examples.length).toBe(30);
  });

  test.each(examples)("$section, example $example, is drawn as specified", ({ markdown, html }) => {
    expect(canonical(drawn(markdown))).toBe(owed(html));
  });

  test("bare http URLs are links, other bare names are text", () => {
    expect(canonical(drawn("see https://a.example/x?y=1, README.md or www.b.example"))).toBe(
      "<p>see <a href=https://a.example/x?y=1>https://a.example/x?y=1</a>, README.md or www.b.example</p>",
    );
  });
});
