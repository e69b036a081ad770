/**
 * While a text comes character by character: what is settled is not touched, and no mark flashes.
 */

import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { figure, sample, WHOLE } from "./figures";
import { corpus, cut, type Example, plainView, random, stopClock } from "./support";

beforeEach(stopClock);
afterEach(() => void vi.useRealTimers());

const MINUTES = 600_000;

/** The text that a reader sees, without spaces, the caret, and code blocks' labels and buttons. */
function seen(node: HTMLElement): string {
  return textOf(node).replace(/\s+/g, "");
}

function textOf(node: Node): string {
  let text = "";
  for (let child = node.firstChild; child; child = child.nextSibling) {
    if (child.nodeType === Node.TEXT_NODE) text += (child as Text).data;
    else if (!EXTRA.has((child as HTMLElement).className)) text += textOf(child);
  }
  return text;
}

const EXTRA = new Set(["nb-caret", "nb-code-bar"]);

// --- generated documents
// ----------------------------------------------------------------------------------------------

type Next = () => number;
const pick = <T>(next: Next, items: readonly T[]): T =>
  items[Math.floor(next() * items.length)] as T;
const WORDS =
  "stream tokens agent kernel the a of 12 3.5 data, model; called: (twice) and it's done! x2 größe データ".split(
    " ",
  );
const text = (next: Next, most = 5): string =>
  Array.from({ length: 1 + Math.floor(next() * most) }, () => pick(next, WORDS)).join(" ");
const name = (next: Next): string => pick(next, ["alpha", "beta2", "gamma delta", "load_sales"]);
const url = (next: Next): string =>
  `https://${pick(next, ["a.example", "b.example/x_y?z=1", "c.example/(d)"])}`;

/** Constructs of one line, by name. */
const INLINES: Record<string, (next: Next) => string> = {
  emphasis: (next) => `*${name(next)}*`,
  strong: (next) => `**${name(next)}**`,
  both: (next) => `***${name(next)}***`,
  underscores: (next) => `_${name(next)}_ __${name(next)}__`,
  nested: (next) => `**${name(next)} *${name(next)}* \`${name(next)}\`**`,
  strike: (next) => `~~${name(next)}~~`,
  code: (next) => `\`${pick(next, ["x = a[0] * b", "f(**kw)", "<b>", "a_b", "$HOME"])}\``,
  "code with a backtick": () => "``a ` b``",
  link: (next) => `[${name(next)}](${url(next)})`,
  "link with a title": (next) => `[${name(next)}](${url(next)} "${name(next)}")`,
  "link with marks": (next) => `[the **${name(next)}** \`${name(next)}\`](${url(next)})`,
  autolink: (next) => `<${url(next)}>`,
  "bare URL": () => "https://a.example/x",
  image: (next) => `![${name(next)}](${url(next)})`,
  "image in a link": (next) => `[![${name(next)}](${url(next)})](${url(next)})`,
  "inline math": () => "$x_1 + y^2$",
  "inline math in brackets": () => "\\(\\frac{a}{b}\\)",
  escape: () => "a\\*b",
  entity: () => "a &amp; b",
  money: () => "costs $5, not $6",
  "line break": (next) => `${name(next)}  \n${name(next)}`,
};

const inlines = (next: Next): string =>
  `${text(next)} ${pick(next, Object.values(INLINES))(next)} ${text(next)}`;

/** Blocks, by name. */
const BLOCKS: Record<string, (next: Next) => string> = {
  paragraph: (next) => `${inlines(next)}\n${inlines(next)}`,
  heading: (next) => `${"#".repeat(1 + Math.floor(next() * 4))} ${inlines(next)}`,
  "closed heading": (next) => `## ${text(next)} ##`,
  underlined: (next) => `${text(next)}\n${pick(next, ["===", "---"])}`,
  bullets: (next) => `- ${inlines(next)}\n- ${inlines(next)}\n  - ${inlines(next)}`,
  stars: (next) => `* ${inlines(next)}\n\n* ${inlines(next)}`,
  numbers: (next) => `1. ${inlines(next)}\n2. ${inlines(next)}\n10. ${text(next)}`,
  tasks: (next) => `- [ ] ${inlines(next)}\n- [x] ${inlines(next)}`,
  quote: (next) => `> ${inlines(next)}\n> ${inlines(next)}`,
  fence: () => "```python\ndef f(*args):\n    return `x` # **no**\n\n[1](2)\n```",
  tildes: () => "~~~\n# code ~~ |\n~~~",
  "fence in a list": () => "1. run\n\n   ```sh\n   ls *.py | wc\n   ```",
  table: (next) =>
    `| ${name(next)} | ${name(next)} |\n|---|:-:|\n| ${inlines(next)} | ${text(next)} |\n| 1 | **2** |`,
  rule: () => "---",
  "display math": () => "$$\n\\sum_{i=1}^n x_i\n$$",
  "display math in brackets": () => "\\[\na^2 + b^2\n\\]",
  "display math in a line": () => "$$ E = mc^2 $$",
};

function generated(seed: number): string {
  const next = random(seed);
  const blocks = Array.from({ length: 2 + Math.floor(next() * 4) }, () =>
    pick(next, Object.values(BLOCKS))(next),
  );
  return `${blocks.join("\n\n")}\n`;
}

/** The first state in which something stands that the finished text has not there, or null. */
function flash(pieces: string[]): { after: string; shows: string; instead: string } | null {
  const whole = pieces.join("");
  const done = plainView();
  done.append(whole);
  done.finish();
  const final = seen(done.node);
  const view = plainView();
  let after = "";
  for (const piece of pieces) {
    view.append(piece);
    after += piece;
    const now = seen(view.node);
    if (!final.startsWith(now))
      return {
        after: after.slice(-60),
        shows: now.slice(-60),
        instead: final.slice(Math.max(0, now.length - 60), now.length),
      };
  }
  return null;
}

describe("nothing is ever shown that the finished text does not show in its place", () => {
  test.each(Object.entries(INLINES))(
    "%s",
    (_, make) => {
      for (let seed = 0; seed < (WHOLE ? 20 : 1); seed++) {
        const next = random(seed);
        for (const frame of [
          "T X T",
          "X",
          "T X",
          "X T",
          "- X T\n- X",
          "> T X T",
          "# T X",
          "(X) T",
          "T X.",
          "**T** X, X T",
        ]) {
          const written = frame.replaceAll("T", () => text(next)).replaceAll("X", () => make(next));
          expect(flash([...written, "\n\nend"]), JSON.stringify(written)).toBeNull();
        }
      }
    },
    MINUTES,
  );

  test.each(Object.entries(BLOCKS))(
    "%s",
    (_, make) => {
      for (let seed = 0; seed < (WHOLE ? 10 : 1); seed++) {
        const next = random(seed);
        const written = `${text(next)}\n\n${make(next)}\n\n${text(next)}\n`;
        expect(flash([...written]), JSON.stringify(written)).toBeNull();
      }
    },
    MINUTES,
  );

  test(
    "whole documents, by characters and cut at random",
    () => {
      const seeds = sample(
        Array.from({ length: 3000 }, (_, seed) => seed),
        8,
      );
      for (const seed of seeds) {
        const written = generated(seed);
        expect(flash([...written]), `by characters: ${JSON.stringify(written)}`).toBeNull();
        expect(
          flash(cut(written, 12, random(seed))),
          `at random: ${JSON.stringify(written)}`,
        ).toBeNull();
      }
      figure("generated documents without a flash, at every prefix", `${seeds.length}`);
    },
    MINUTES,
  );
});

// --- settled blocks
// ---------------------------------------------------------------------------------------------------

/**
 * The settled blocks that are touched while a text comes character by character: all but the last
 * two are settled.
 */
function touched(written: string): string[] {
  const view = plainView();
  const found: string[] = [];
  const observer = new MutationObserver(() => {});
  observer.observe(view.node, {
    subtree: true,
    childList: true,
    characterData: true,
    attributes: true,
  });
  const feed = (act: () => void, what: string) => {
    const settled = new Set<Node>(
      [...view.node.children].filter((one) => one.className !== "nb-caret").slice(0, -2),
    );
    act();
    for (const { target, removedNodes } of observer.takeRecords()) {
      let top: Node | null = target;
      while (top && top.parentNode !== view.node) top = top.parentNode;
      if ((top && settled.has(top)) || [...removedNodes].some((node) => settled.has(node)))
        found.push(what);
    }
  };
  for (const char of written) feed(() => view.append(char), JSON.stringify(char));
  feed(() => view.finish(), "the end");
  observer.disconnect();
  return found;
}

describe("a settled block stays the same node, and nothing in it changes", () => {
  const texts = [
    ...["commonmark_0.31.2", "gfm_spec", "gfm_extensions", "cmark_regression"].flatMap((file) =>
      corpus<Example[]>(`markdown/${file}.json`).map(({ markdown }) => markdown),
    ),
    ...corpus<{ input: string }[]>("markdown/remend.json").map(({ input }) => input),
  ];
  // A definition that comes late may make a link of what was text.
  const plain = [...new Set(texts)].filter((one) => !/\]:/.test(one));

  test(
    "in every example of the specifications, with blocks before and after",
    () => {
      const some = sample(plain, 60);
      for (const one of some)
        expect(touched(`before\n\n${one}\n\nnext\n\nthen\n\nlast\n`), JSON.stringify(one)).toEqual(
          [],
        );
      figure(
        "examples of the specifications whose settled blocks stay untouched",
        `${some.length}`,
      );
    },
    MINUTES,
  );

  test(
    "in generated documents",
    () => {
      for (let seed = 0; seed < (WHOLE ? 600 : 4); seed++)
        expect(touched(generated(seed)), JSON.stringify(generated(seed))).toEqual([]);
    },
    MINUTES,
  );
});
