/** The text that a reader sees between the first character and the last. */

import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { MarkdownView } from "../../src/markdown";
import { WHOLE } from "./figures";
import { canonical, plainView, random, stopClock } from "./support";

beforeEach(stopClock);
afterEach(() => void vi.useRealTimers());

/** A view that keeps the chunks of a long text apart, and the element that holds them. */
function windowedView(): [MarkdownView, HTMLElement] {
  const view = new MarkdownView({ loadModule: () => new Promise(() => {}), windowed: true });
  const host = document.createElement("div");
  host.append(view.node);
  return [view, host];
}

/**
 * The distinct states of the view while a text is written character by character, before it is
 * finished.
 */
function states(text: string): string[] {
  const view = plainView();
  const seen: string[] = [];
  for (const char of text) {
    view.append(char);
    const copy = view.node.cloneNode(true) as HTMLElement;
    for (const caret of copy.querySelectorAll(".nb-caret")) caret.remove();
    copy.normalize();
    const state = canonical(copy);
    if (seen.at(-1) !== state) seen.push(state);
  }
  return seen;
}

/** The state after a text that may still go on. */
const open = (text: string) => states(text).at(-1);

describe("half-written constructs never flash", () => {
  test("a fence opener is held until its line is whole", () => {
    expect(states("```py\nx").filter((state) => !state.startsWith("<pre>"))).toEqual([""]);
    expect(open("```py\nx = 1\n``")).toBe("<pre><code class=language-py>x = 1\n</code></pre>");
  });

  test("a table's header is held until the delimiter row", () => {
    for (const state of states("| a | b |\n|---|:-:|\n| 1 | 2"))
      expect(state).toMatch(/^(?:<p><\/p>|<table>.*|)$/);
    expect(open("text\n| a | b |\n|--")).toBe("<p>text</p>");
    expect(open("| no table\n| at all")).toBe("<p>| no table</p>");
  });

  test("emphasis, strikethrough and code are drawn while open", () => {
    for (const state of states("a **bold text")) expect(state).not.toContain("*");
    expect(open("a **bold te")).toBe("<p>a <strong>bold te</strong></p>");
    expect(open("a ***both")).toBe("<p>a <em><strong>both</strong></em></p>");
    expect(open("a **bold with *em")).toBe("<p>a <strong>bold with <em>em</em></strong></p>");
    expect(open("a **bold**")).toBe("<p>a <strong>bold</strong></p>");
    expect(open("~~old")).toBe("<p><s>old</s></p>");
    expect(open("run `pip inst")).toBe("<p>run <code>pip inst</code></p>");
    expect(open("run ``a`b`")).toBe("<p>run <code>a`b</code></p>");
    expect(open("*a __b* c")).toBe("<p><em>a __b</em> c</p>");
    expect(open("2 * 3 and snake_case_")).toBe("<p>2 * 3 and snake_case</p>");
  });

  test("a half-written link shows its label only", () => {
    for (const state of states("see [the docs](https://a.example/x"))
      expect(state).not.toMatch(/[[\]()]|https/);
    expect(open("see [the **docs")).toBe("<p>see the <strong>docs</strong></p>");
    expect(open("see [docs][re")).toBe("<p>see docs</p>");
    expect(open("x[0] and [1] done")).toBe("<p>x[0] and [1] done</p>");
    expect(open("[a](not a link) b")).toBe("<p>[a](not a link) b</p>");
    expect(open("[docs]: https://a.exa")).toBe("");
  });

  test("a half-written picture is hidden, a half-written autolink shows no bracket", () => {
    expect(open("see ![chart](https://a.exam")).toBe("<p>see</p>");
    expect(open("see <https://a.example/x")).toBe(
      "<p>see <a href=https://a.example/x>https://a.example/x</a></p>",
    );
  });

  test("half-written math shows its TeX as code", () => {
    expect(open("so \\(x^2 + y")).toBe("<p>so <span><code>x^2 + y</code></span></p>");
    expect(open("so $x^2 + y")).toBe("<p>so <span><code>x^2 + y</code></span></p>");
    expect(open("$$\n\\frac{1}{2")).toBe("<span><code>\\frac{1}{2</code></span>");
    expect(open("it is $5 and")).toBe("<p>it is $5 and</p>");
  });

  test("a list marker, a rule and a task box are held until they are clear", () => {
    expect(open("- a\n-")).toBe("<ul><li>a</li></ul>");
    expect(open("- a\n- [")).toBe("<ul><li>a</li></ul>");
    expect(open("- a\n- [x")).toBe("<ul><li>a</li></ul>");
    expect(open("1. a\n2")).toBe("<ol><li>a</li></ol>");
    expect(open("para\n--")).toBe("<p>para</p>");
    expect(open("2024")).toBe("");
    expect(open("2024 was")).toBe("<p>2024 was</p>");
  });

  test("what is closed by a blank line is drawn as it is", () => {
    expect(open("a **b\n\nc")).toBe("<p>a **b</p><p>c</p>");
    expect(open("a **b\n\n")).toBe("<p>a **b</p>");
  });
});

describe("the DOM is kept and extended", () => {
  test("a paragraph's text node and element stay while it grows", () => {
    const view = plainView();
    view.append("one **two** three");
    const [paragraph] = view.node.children;
    const text = paragraph?.childNodes[2];
    view.append(" four");
    expect(view.node.children[0]).toBe(paragraph);
    expect(paragraph?.childNodes[2]).toBe(text);
    expect(text?.textContent).toBe(" three four");
  });

  test("a selection in a growing paragraph survives", () => {
    const view = plainView();
    document.body.append(view.node);
    view.append("select me, please");
    const text = view.node.querySelector("p")?.firstChild as Text;
    window.getSelection()?.setBaseAndExtent(text, 0, text, 9);
    view.append(" and **more");
    view.append("** text\n\nnext");
    expect(window.getSelection()?.toString()).toBe("select me");
    view.dispose();
  });

  test("settled blocks are never touched again", async () => {
    const view = plainView();
    view.append("# one\n\n- a\n- b\n\n```py\nx\n```\n\nlast\n\nnew\n\n");
    const changes: MutationRecord[] = [];
    const observer = new MutationObserver((records) => void changes.push(...records));
    for (const settled of [...view.node.children].slice(0, 3))
      observer.observe(settled, {
        subtree: true,
        childList: true,
        characterData: true,
        attributes: true,
      });
    for (const char of "more text\n\n| a |\n|---|\n| 1 |\n\nend") view.append(char);
    view.finish();
    changes.push(...observer.takeRecords());
    expect(view.node.children).toHaveLength(8);
    expect(changes).toEqual([]);
  });

  test("an open fence only ever has its text node extended", () => {
    const view = plainView();
    view.append("```python\na = 1\n");
    const code = view.node.querySelector("code");
    const text = code?.firstChild;
    const caret = code?.lastChild;
    for (const char of "b = 2\n    c`` = 3\n\n``") view.append(char);
    expect([...(code?.childNodes ?? [])]).toEqual([text, caret]);
    expect(text?.textContent).toBe("a = 1\nb = 2\n    c`` = 3\n\n");
  });
});

describe("an open fence ends where the grammar says", () => {
  test.each([
    ["```\nx\n```\nafter", "<pre><code>x\n</code></pre><p>after</p>"],
    ["````\n```\nx\n````\nafter", "<pre><code>```\nx\n</code></pre><p>after</p>"],
    ["~~~\n```\nx\n  ~~~~  \nafter", "<pre><code>```\nx\n</code></pre><p>after</p>"],
    ["```\n    ```\nx", "<pre><code>    ```\nx</code></pre>"],
    ["  ```\n  a\n b\n\n   c\n", "<pre><code>a\nb\n\n c\n</code></pre>"],
    ["- ```\n  x\n  ```\n  y", "<ul><li><pre><code>x\n</code></pre>y</li></ul>"],
    ["- ```\n  x\n\n   z\nout", "<ul><li><pre><code>x\n\n z\n</code></pre></li></ul><p>out</p>"],
    ["> ```\n> x\nout", "<blockquote><pre><code>x\n</code></pre></blockquote><p>out</p>"],
  ])("%j", (text, wanted) => {
    expect(open(text)).toBe(wanted);
  });
});

describe("the caret", () => {
  const caretIn = (text: string) => {
    const view = plainView();
    view.append(text);
    const carets = view.node.querySelectorAll(".nb-caret");
    expect(carets).toHaveLength(1);
    const caret = carets[0];
    return `${caret?.parentElement?.localName}: ${caret?.previousSibling?.textContent ?? ""}`;
  };

  test("stands after the last text", () => {
    expect(caretIn("plain")).toBe("p: plain");
    expect(caretIn("a **bo")).toBe("strong: bo");
    expect(caretIn("- a\n  - b")).toBe("li: b");
    expect(caretIn("> quote")).toBe("p: quote");
    expect(caretIn("```\ncode")).toBe("code: code");
    expect(caretIn("| a | b |\n|---|---|\n| one")).toBe("td: one");
    expect(caretIn("---\n")).toBe("div: ");
  });

  test("is there from the start and gone at the end, and comes back when text does", () => {
    const view = plainView();
    expect(view.node.querySelectorAll(".nb-caret")).toHaveLength(1);
    view.append("x");
    view.finish();
    expect(view.node.querySelectorAll(".nb-caret")).toHaveLength(0);
    view.append("y");
    expect(view.node.querySelectorAll(".nb-caret")).toHaveLength(1);
    view.finish();
    expect(canonical(view.node)).toBe("<p>xy</p>");
  });
});

describe("math marks", () => {
  const math = (text: string) => {
    const view = plainView();
    view.append(text);
    view.finish();
    return [...view.node.querySelectorAll("code.nb-math")].map((node) => node.textContent);
  };

  test.each([
    ["$x$ and $y_1$", ["x", "y_1"]],
    ["$$x$$", ["x"]],
    ["\\(a+b\\) or \\[c\\]", ["a+b", "c"]],
    ["text\n$$\na\n+ b\n$$\nmore", ["a\n+ b"]],
    ["\\[\na\n- b\n\\]", ["a\n- b"]],
    ["- item\n  $$\n  x\n  $$", ["x"]],
    ["$5$ apples", ["5"]],
    ["$\\$5 + x$", ["\\$5 + x"]],
  ])("%j holds math", (text, wanted) => {
    expect(math(text)).toEqual(wanted);
  });

  test.each([
    "$5 and $10",
    "$5, or 5$ more",
    "from US$5 to A$6",
    "$HOME/$PATH",
    "a $ b $ c",
    "\\$x\\$",
    "`$x$`",
    "$a\nb$",
    "\\[not a link](/foo)",
    "$$ $$",
    "$$$",
    "$$\nnever closed\n\nnext",
  ])("%j holds none", (text) => {
    expect(math(text)).toEqual([]);
  });
});

describe("link definitions that come late", () => {
  test("change the blocks that wait for them, at the latest when the text ends", () => {
    const view = plainView();
    view.append("# see [docs]\n\npara\n\nother\n\n");
    expect(view.node.querySelector("a")).toBeNull();
    view.append("[docs]: https://a.example 'T'\n\nthen\n\nmore\nand\n\nmore\n\n");
    expect(view.node.querySelector("h1 a")?.getAttribute("href")).toBe("https://a.example");
    view.finish();
    expect(canonical(view.node)).toContain("<a href=https://a.example title=T>docs</a>");
  });
});

describe("a numbered list", () => {
  test.each([
    [99, null],
    [100, "nb-digits-3"],
    [1000, "nb-digits-4"],
  ])("that ends with %d has room for its longest number", (last, name) => {
    const view = plainView();
    view.append(`${last - 1}. a\n${last}. b`);
    view.finish();
    expect(view.node.querySelector("ol")?.getAttribute("class")).toBe(name);
  });
});

describe("replace", () => {
  const PARTS = [
    "# One\n\nA *paragraph*\nof two lines\n\n- a\n- b\n\n",
    "```python\nprint(1)\n\nprint(2)\n```\n\n",
    "para\n===\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n> quoted\n\nthe **end**\n",
    "[a link][x]\n\n",
  ];

  test.each([
    ["short", 3, 45, ""],
    ["short with a definition", 3, 21, "[x]: https://example.org\n"],
    ["of several chunks", 160, 6, ""],
    ["of one line", 1, 6, "word ".repeat(10_000)],
  ])("a text that goes back and forth is drawn as if newly written: %s", (_, times, tries, end) => {
    const source = PARTS.join("").repeat(times) + end;
    const next = random(3);
    // The ends of its chunks depend on the pieces in which a text came.
    const shown = (host: HTMLElement) => [...host.children].map(canonical).join("");
    const fresh = (text: string) => {
      const [view, host] = windowedView();
      view.append(text);
      view.finish();
      vi.runAllTimers();
      return shown(host);
    };
    const [view, host] = windowedView();
    for (let n = 0; n < (WHOLE ? 10 * tries : tries); n += 1) {
      const text = source.slice(0, Math.floor(next() * (source.length + 1)));
      view.replace(text);
      if (n % 3 > 0) vi.runAllTimers();
      if (n % 3 < 2) continue;
      view.finish();
      vi.runAllTimers();
      expect(shown(host)).toBe(fresh(text));
    }
  });

  test("keeps the blocks before the one that is taken back", () => {
    const view = plainView();
    view.append("one\n\ntwo\n\nthree\nfour");
    const first = view.node.firstChild;
    view.replace("one\n\ntwo\n\nthree\nf");
    expect(view.node.firstChild).toBe(first);
    view.finish();
    expect(canonical(view.node)).toBe("<p>one</p><p>two</p><p>three\nf</p>");
  });

  test("keeps what is drawn when the text goes on, and starts anew when it does not", () => {
    const view = plainView();
    view.append("one\n\ntwo");
    const first = view.node.firstChild;
    view.replace("one\n\ntwo three");
    expect(view.node.firstChild).toBe(first);
    view.replace("other");
    view.finish();
    expect(canonical(view.node)).toBe("<p>other</p>");
    view.replace("last");
    expect(view.node.querySelector(".nb-caret")).toBeNull();
    expect(canonical(view.node)).toBe("<p>last</p>");
  });
});
