/** Lazy modules of Markdown: highlighting and formulas. */

import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { MarkdownView } from "../../src/markdown";
import { MAX_HIGHLIGHT_CHARS } from "../../src/markdown/code";
import * as highlightPart from "../../src/parts/highlight";
import * as mathPart from "../../src/parts/math";

// A stopped clock: drawing costs no time, so that it never waits.
beforeEach(() => void vi.useFakeTimers({ toFake: ["performance"] }));
afterEach(() => void vi.useRealTimers());

const settled = () => new Promise<void>((resolve) => setTimeout(resolve, 0));

function view(asked: string[] = []): MarkdownView {
  return new MarkdownView({
    loadModule(name) {
      asked.push(name);
      return Promise.resolve(name === "math.js" ? mathPart : highlightPart);
    },
  });
}

describe("code", () => {
  test("is coloured when its fence closes, not before, and its text stays the source", async () => {
    const asked: string[] = [];
    const shown = view(asked);
    shown.append("```python\ndef f(x):\n    return 'a' < x\n");
    await settled();
    expect(asked).toEqual([]);
    shown.append("```\n");
    await settled();
    const code = shown.node.querySelector("code");
    expect(code?.querySelector(".nb-hl-keyword")?.textContent).toBe("def");
    expect(code?.querySelector(".nb-hl-string")?.textContent).toBe("'a'");
    expect(code?.textContent).toBe("def f(x):\n    return 'a' < x\n");
    shown.append("\nmore\n\n```json\n{}\n```\n");
    shown.finish();
    await settled();
    expect(asked).toEqual(["highlight.js"]);
  });

  test.each([
    "python py javascript js typescript ts tsx json bash sh shell sql r julia yaml yml xml html css markdown md c cpp rust go java diff",
  ])("languages: %s", (names) => {
    for (const name of names.split(" "))
      expect(highlightPart.highlight("x = 1", name), name).not.toBeNull();
  });

  test("of an unknown language, without one, or very long stays plain", async () => {
    const asked: string[] = [];
    const shown = view(asked);
    shown.append(
      `\`\`\`nosuch\nx\n\`\`\`\n\n\`\`\`\ny\n\`\`\`\n\n\`\`\`py\n${"x = 1\n".repeat(MAX_HIGHLIGHT_CHARS / 5)}\`\`\`\n`,
    );
    shown.finish();
    await settled();
    expect(asked).toEqual(["highlight.js"]);
    expect(shown.node.querySelector("pre [class^=nb-hl]")).toBeNull();
  });

  test("stays plain when the highlighter fails or changes the text", async () => {
    for (const loadModule of [
      () => Promise.reject(new Error("no kernel")),
      () =>
        Promise.resolve({
          highlight: () => {
            throw new Error("bad grammar");
          },
        }),
      () =>
        Promise.resolve({
          highlight: () => ({ type: "root", children: [{ type: "text", value: "other" }] }),
        }),
    ]) {
      const shown = new MarkdownView({ loadModule });
      shown.append("```py\nx\n```\n");
      shown.finish();
      await settled();
      expect(shown.node.querySelector("code")?.textContent).toBe("x\n");
    }
  });

  test("has its language as a label and a button that copies the source", async () => {
    const copied: string[] = [];
    Object.defineProperty(navigator, "clipboard", {
      configurable: true,
      value: { writeText: async (text: string) => void copied.push(text) },
    });
    const shown = view();
    shown.append("```python\nx = '<b>'\n```\n");
    shown.finish();
    const button = shown.node.querySelector("button");
    expect(shown.node.querySelector(".nb-code-lang")?.textContent).toBe("python");
    expect([button?.type, button?.getAttribute("aria-label")]).toEqual(["button", "Copy code"]);
    button?.click();
    await settled();
    expect(copied).toEqual(["x = '<b>'"]);
    expect(button?.textContent).toBe("Copied");
  });
});

describe("math", () => {
  test("is source until the typesetter has come, then MathML", async () => {
    const shown = view();
    shown.append("so $x^2$ and\n\n$$\\frac{1}{2}$$\n");
    shown.finish();
    expect(shown.node.querySelector("code.nb-math")?.textContent).toBe("x^2");
    await settled();
    expect(shown.node.querySelectorAll("math")).toHaveLength(2);
    expect(shown.node.querySelector("p math msup")?.textContent).toBe("x2");
    expect(shown.node.querySelector(".nb-display math")?.getAttribute("display")).toBe("block");
  });

  test("stays source when the typesetter does not come", async () => {
    const shown = new MarkdownView({ loadModule: () => Promise.reject(new Error("no kernel")) });
    shown.append("$x^2$");
    shown.finish();
    await settled();
    expect(shown.node.querySelector("code.nb-math")?.textContent).toBe("x^2");
  });

  test("a half-written formula does not ask for the typesetter", async () => {
    const asked: string[] = [];
    const shown = view(asked);
    shown.append("so \\(\\frac{1}{");
    await settled();
    expect(asked).toEqual([]);
    expect(shown.node.querySelector("code.nb-math")?.textContent).toBe("\\frac{1}{");
  });

  test.each([
    "\\frac{1",
    "\\nosuchcommand",
    "}",
    "\\begin{matrix} 1",
    `${"{".repeat(20_000)}`,
    "\\def\\a{\\a\\a}\\a",
    "x".repeat(20_000),
  ])("wrong TeX shows its source and why: %#", (tex) => {
    const node = mathPart.mathToDom(tex, false);
    expect([node.localName, node.className, node.textContent]).toEqual(["code", "nb-math", tex]);
    expect((node as HTMLElement).title).not.toBe("");
  });

  test.each([
    "\\href{javascript:alert(1)}{x}",
    "\\url{javascript:alert(1)}",
    "\\includegraphics{https://evil.example/x.png}",
    "\\class{nb-stop}{x}",
    "\\id{a}{x}",
    "\\style{background:url(https://evil.example)}{x}",
    "\\data{onclick=alert(1)}{x}",
    "\\text{<img src=x onerror=alert(1)>}",
    "\\tag{<script>alert(1)</script>} x",
    "\\label{onload} x",
    "\\color{url(https://evil.example)} x",
    "\\unicode{x3c}script",
  ])("%s makes no link, picture, handler, id or foreign class", (tex) => {
    const holder = document.createElement("div");
    holder.append(mathPart.mathToDom(tex, true));
    expect(
      holder.querySelector("a, img, script, annotation, [href], [src], [id], [onclick], [onerror]"),
    ).toBeNull();
    for (const node of holder.querySelectorAll("math *")) {
      expect(node.namespaceURI).toBe("http://www.w3.org/1998/Math/MathML");
      expect(node.getAttribute("class") ?? "tml-").toMatch(/^(?:tml-[\w-]+ ?)+$|^tml-$/);
      expect(node.getAttribute("style") ?? "").not.toMatch(/url/);
    }
  });

  test("a macro does not outlive its formula", () => {
    mathPart.mathToDom("\\gdef\\leak{1}\\leak", false);
    expect(mathPart.mathToDom("\\leak", false).localName).toBe("code");
  });
});
