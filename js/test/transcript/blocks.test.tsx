/** Components of the kinds of blocks. */

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { KINDS, PROPS } from "../../src/protocol";
import { PLOTLY } from "../../src/transcript/chart";
import { open, ownClock, type Page, RUN, rowOf, settle, tool } from "../support";

ownClock();

let page: Page;
beforeEach(() => {
  page = open();
  page.ops(RUN);
});
afterEach(() => page.close());

const done = (result: unknown, more = {}) => ({
  state: "output-available",
  user_open: true,
  result,
  ended: 2.3,
  ...more,
});

describe("a tool's row", () => {
  it("shows name, arguments, summary and duration", async () => {
    page.ops(
      tool("load_sales", done(null, { args: { year: 2025 }, summary: "DataFrame 1,204×6" })),
      ["close", "load_sales"],
    );
    await settle();
    expect(rowOf(page.el, "load_sales").textContent).toBe(
      "load_sales, finished, (year=2025)→ DataFrame 1,204×61.3s",
    );
  });

  it("shows the arguments as they are written, and opens when they are longer than a row", async () => {
    page.ops(tool("group_by"), ["append", "group_by", "args_text", '{"column": "region", "met']);
    page.ops(["append", "group_by", "args_text", 'ric": "rev']);
    await settle();
    expect(rowOf(page.el, "group_by").textContent).toContain('(column="region", metric="rev');
    expect(page.el.querySelector(".nb-panel")).toBeNull();
    page.ops(["append", "group_by", "args_text", "enue".repeat(40)]);
    await settle();
    expect(page.el.querySelector(".nb-writing")?.textContent).toContain(
      '{"column": "region", "metric": "revenue',
    );
  });

  it("that shows its call whole has nothing to open by itself, and its panel says nothing again", async () => {
    const props = { args: { a: 19, b: 23 }, in_row: ["arguments"], state: "input-available" };
    page.ops(tool("add", props));
    await settle();
    expect(page.el.querySelector(".nb-panel")).toBeNull();
    const result = {
      result: { "text/plain": "42" },
      summary: "42",
      in_row: ["arguments", "result"],
    };
    page.ops(["set", "add", { state: "output-available", ...result }], ["close", "add"]);
    await settle();
    expect(rowOf(page.el, "add").textContent).toContain("(a=19, b=23)→ 42");
    rowOf(page.el, "add").click();
    await settle();
    expect(page.el.querySelector(".nb-panel")?.textContent).toBe("");
  });

  it.each([
    ["approval-requested", "Awaiting approval"],
    ["output-denied", "Denied"],
    ["cancelled", "Cancelled"],
  ])("says %s in words", async (state, words) => {
    page.ops(tool("f", { state }));
    await settle();
    expect(rowOf(page.el, "f").textContent).toContain(words);
  });

  it("names the error", async () => {
    page.ops(
      tool("f", { state: "output-error", error: { type: "ConnectionError", message: "refused" } }),
    );
    await settle();
    expect(rowOf(page.el, "f").textContent).toContain("ConnectionError");
  });
});

describe("a text", () => {
  it.each([true, undefined])(
    "whose line ends are line breaks: %s, shows them",
    async (line_breaks) => {
      page.ops(
        ["open", "t", "run", { kind: "text", line_breaks }],
        ["append", "t", "text", "one\ntwo"],
      );
      await settle();
      const paragraph = page.el.querySelector(".nb-answer p");
      expect(paragraph?.textContent).toBe("one\ntwo");
      expect(paragraph?.closest(".nb-line-breaks") !== null).toBe(line_breaks === true);
    },
  );
});

describe("a result", () => {
  const panel = () => page.el.querySelector(".nb-panel");

  it.each([0, "", false])("that is falsy is shown: %j", async (value) => {
    page.ops(tool("f", done({ "application/json": value })), ["close", "f"]);
    await settle();
    expect(panel()?.textContent).toContain(`Result${JSON.stringify(value)}`);
  });

  it("takes the richest form", async () => {
    page.ops(
      tool(
        "f",
        done({ "text/plain": "plain", "text/html": "<table><tr><td>rich</td></tr></table>" }),
      ),
      ["close", "f"],
    );
    await settle();
    expect(panel()?.querySelector("td")?.textContent).toBe("rich");
    expect(panel()?.textContent).not.toContain("plain");
  });

  it("in parts shows each, in order", async () => {
    const parts = {
      "image/png;part=10": "aGk=",
      "text/html;part=2": "<b>table</b>",
      "text/plain;part=1": "first",
    };
    page.ops(tool("f", done({ ...parts, "text/plain": "the whole" })), ["close", "f"]);
    await settle();
    expect(panel()?.textContent).toMatch(/first.*table/);
    expect(panel()?.textContent).not.toContain("the whole");
    expect(panel()?.querySelector("b ~ img, img")?.getAttribute("src")).toBe(
      "data:image/png;base64,aGk=",
    );
  });

  it("that is a plotly figure is a picture, and plotly's own in a sandbox when the reader asks for it", async () => {
    const figure = { data: [{ type: "bar", y: [1] }], layout: { title: { text: "</script><b>" } } };
    page.ops(
      tool("f", done({ "image/svg+xml": "<svg/>", [PLOTLY]: figure, "text/plain": "Figure" })),
      ["close", "f"],
    );
    await settle();
    expect(panel()?.querySelector("img")?.getAttribute("src")).toContain("svg");
    panel()?.querySelector<HTMLButtonElement>("button.nb-link")?.click();
    await settle();
    expect(page.sent("need")).toContainEqual({ t: "need", name: "plotly.js", at: 0 });
    page.model.receive({ t: "part", name: "plotly.js", at: 0, text: "window.Plotly={}", size: 16 });
    await settle();
    const frame = panel()?.querySelector("iframe");
    expect(frame?.getAttribute("sandbox")).toBe("allow-scripts");
    expect(frame?.getAttribute("srcdoc")).toContain("default-src 'none'");
    expect(frame?.getAttribute("srcdoc")).toContain('"text":"\\u003c/script>\\u003cb>"');
  });

  it("in HTML runs nothing", async () => {
    const html =
      '<img src=x onerror="globalThis.harm=1"><script>globalThis.harm=1</script><b onclick="harm=1">ok</b>';
    page.ops(tool("f", done({ "text/html": html })), ["close", "f"]);
    await settle();
    expect(panel()?.querySelector("script, [onerror], [onclick]")).toBeNull();
    expect("harm" in globalThis).toBe(false);
    expect(panel()?.textContent).toContain("ok");
  });

  it.each([
    ["image/png", "aGk=\n", "data:image/png;base64,aGk="],
    [
      "image/svg+xml",
      "<svg onload='x'/>",
      "data:image/svg+xml;charset=utf-8,%3Csvg%20onload%3D'x'%2F%3E",
    ],
  ])("that is %s is an image from its own data", async (mime, data, src) => {
    page.ops(tool("f", done({ [mime]: data })), ["close", "f"]);
    await settle();
    expect(panel()?.querySelector("img")?.getAttribute("src")).toBe(src);
  });

  it("that is big is fetched when the panel opens, not before", async () => {
    const part = "result/f/text/html";
    page.ops(
      tool("f", { state: "output-available", result: { "text/html": { part, size: 1_200_000 } } }),
      ["close", "f"],
    );
    await settle();
    expect(page.sent("need")).toEqual([]);
    rowOf(page.el, "f").click();
    await settle();
    expect(page.sent("need")).toEqual([{ t: "need", name: part, at: 0 }]);
    expect(panel()?.textContent).toContain("Loading 1.2 MB…");
    page.model.receive({ t: "part", name: part, at: 0, text: "<p>there</p>", size: 12 });
    await settle();
    expect(panel()?.querySelector("p")?.textContent).toBe("there");
  });

  it("that is replaced while it is looked at is fetched anew", async () => {
    const part = "result/f/text/html";
    const answer = async (text: string) => {
      page.model.receive({ t: "part", name: part, at: 0, text, size: text.length });
      await settle();
    };
    page.ops(
      tool("f", { ...done({ "text/html": { part, size: 20_000 } }), state: "input-available" }),
    );
    await settle();
    await answer("<p>so far</p>");
    page.ops(
      ["set", "f", { result: { "text/html": { part, size: 30_000 } }, state: "output-available" }],
      ["close", "f"],
    );
    await settle();
    expect(panel()?.querySelector("p")?.textContent).toBe("so far");
    await answer("<p>the end</p>");
    expect(panel()?.querySelector("p")?.textContent).toBe("the end");
    expect(page.sent("need")).toHaveLength(2);
  });

  it("that cannot be fetched says why and can be asked for again", async () => {
    page.ops(tool("f", done({ "application/json": { part: "p", size: 1 } })), ["close", "f"]);
    await settle();
    page.model.receive({ t: "part", name: "p", at: 0, error: "the run is gone" });
    await settle();
    expect(panel()?.textContent).toContain("the run is gone");
    panel()?.querySelector<HTMLButtonElement>(".nb-link")?.click();
    await settle();
    page.model.receive({ t: "part", name: "p", at: 0, text: '{"a":1}', size: 7 });
    await settle();
    expect(panel()?.textContent).toContain('{"a": 1}');
  });

  it("that is a long text is read page by page, one at a time", async () => {
    const part = "result/f/text/plain";
    const label = () => panel()?.querySelector(".nb-pager .nb-muted")?.textContent;
    const press = async (name: string) => {
      [...(panel()?.querySelectorAll("button") ?? [])]
        .find((button) => button.textContent === name)
        ?.click();
      await settle();
    };
    const answer = async (at: number, text: string) => {
      page.model.receive({ t: "part", name: part, at, text, size: 100_000_000 });
      await settle();
    };
    page.ops(tool("f", done({ "text/plain": { part, size: 100_000_000, head: "x" } })), [
      "close",
      "f",
    ]);
    await settle();
    await answer(0, "a".repeat(60_000));
    expect(label()).toBe("1–60,000 of 100,000,000 characters");
    await press("Next");
    expect(panel()?.querySelector(".nb-pager pre")?.getAttribute("aria-busy")).toBe("true");
    await answer(60_000, "b".repeat(60_000));
    expect(panel()?.querySelector(".nb-pager pre")?.textContent).toBe("b".repeat(60_000));
    await press("Last");
    await answer(99_940_000, "c".repeat(60_000));
    expect(label()).toBe("99,940,001–100,000,000 of 100,000,000 characters");
    await press("Next");
    await press("Previous");
    expect(page.sent("need").map((need) => need.at)).toEqual([0, 60_000, 99_940_000, 99_880_000]);
  });

  it("that is a large JSON is read as text", async () => {
    const value = { part: "result/f/application/json", size: 300_000, head: "[1," };
    page.ops(tool("f", done({ "application/json": value })), ["close", "f"]);
    await settle();
    page.model.receive({ t: "part", name: value.part, at: 0, text: "[1, 2", size: 300_000 });
    await settle();
    expect(panel()?.querySelector(".nb-pager pre")?.textContent).toBe("[1, 2");
  });

  it("that is an image too large to load says so", async () => {
    page.ops(tool("f", done({ "image/png": { part: "p", size: 50_000_000, head: "" } })), [
      "close",
      "f",
    ]);
    await settle();
    expect(panel()?.textContent).toContain("too large to be shown");
    expect(page.sent("need")).toEqual([]);
  });

  it("that is a huge JSON makes few elements", async () => {
    const value = Array.from({ length: 50_000 }, (_, i) => ({ i, deep: { deeper: [1, 2, 3] } }));
    page.ops(tool("f", done({ "application/json": value })), ["close", "f"]);
    await settle();
    expect(panel()?.textContent).toContain("49,900 more");
    expect(panel()?.querySelectorAll("*").length).toBeLessThan(1500);
  });
});

describe("an approval", () => {
  it("of a tool is asked in the tool's panel, and its decision stays", async () => {
    page.ops(tool("run_sql", { state: "approval-requested", args: { query: "DROP TABLE x" } }), [
      "open",
      "a",
      "run",
      { kind: "approval", tool_id: "run_sql", prompt: "Run it?", args: { query: "DROP TABLE x" } },
    ]);
    await settle();
    expect(page.el.querySelector(".nb-panel")?.textContent).toBe(
      "Run it?queryDROP TABLE xThis stream has no way to carry an answer back. Answer it where the agent runs.",
    );
    expect(page.el.querySelectorAll(".nb-approval")).toHaveLength(1);
    expect(page.el.querySelector(".nb-head")?.textContent).toContain("waits for you");
    page.ops(["set", "a", { decision: "deny", reason: "too risky" }], ["close", "a"]);
    page.ops(["set", "run_sql", { state: "output-denied", user_open: true }], ["close", "run_sql"]);
    await settle();
    expect(page.el.querySelector(".nb-head")?.textContent).not.toContain("waits for you");
    expect(page.el.querySelector(".nb-panel")?.textContent).toContain(
      "Denied · Run it? · too risky",
    );
  });
});

describe("thinking", () => {
  it("ticks, then says how long it took, and keeps what was thought", async () => {
    const now = Date.now() / 1000;
    page.ops(
      ["open", "r", "run", { kind: "reasoning", text: "", started: now }],
      ["append", "r", "text", "Let me see"],
    );
    await settle(4100);
    expect(rowOf(page.el, "Thinking").textContent).toBe("Thinking… 4s");
    expect(page.el.textContent).toContain("Let me see");
    page.ops(["set", "r", { ended: now + 4.6 }], ["close", "r"]);
    await settle(100);
    expect(rowOf(page.el, "Thought").textContent).toBe("Thought for 5s");
  });

  const thought = (text: string, seconds: number) => [
    ["open", "r", "run", { kind: "reasoning", text, started: 1 }],
    ["set", "r", { ended: 1 + seconds }],
    ["close", "r"],
  ];

  it("that was never shown has nothing to open, and no row at all if it was brief", async () => {
    page.ops(...thought("", 2));
    await settle();
    expect(rowOf(page.el, "Thought for 2s").localName).toBe("div");
    page.ops(["set", "r", { ended: 1.9 }]);
    await settle();
    expect(page.el.querySelector(".nb-row")).toBeNull();
  });

  it.each([
    ["**A sum**\n\nFirst the parts.", "button"],
    ["**A sum**", "div"],
    ["A *sum*", "div"],
  ])(
    "that was brief is named by its title, and opens for what is below that: %j",
    async (text, tag) => {
      page.ops(...thought(text, 0.4));
      await settle();
      expect(rowOf(page.el, "Thought: A sum").localName).toBe(tag);
    },
  );
});

describe("agents", () => {
  const agent = (id: string, started: number, ended?: number) => [
    "open",
    id,
    "run",
    { kind: "agent", name: id, status: "running", started, ended },
  ];

  it("at work at the same time stand side by side, those after one another do not", async () => {
    page.ops(agent("a", 1, 3), agent("b", 2, 5), agent("c", 6));
    await settle();
    const lanes = page.el.querySelectorAll(".nb-lanes");
    expect(lanes).toHaveLength(1);
    expect(lanes[0]?.querySelectorAll(".nb-agent")).toHaveLength(2);
  });

  it("hold their own blocks", async () => {
    page.ops(agent("a", 1), tool("inner", {}, "a"), [
      "open",
      "t",
      "a",
      { kind: "text", text: "said by a" },
    ]);
    await settle();
    const el = page.el.querySelector(".nb-agent");
    expect(el?.textContent).toContain("said by a");
    expect(el?.textContent).toContain("inner");
  });
});

describe("links", () => {
  it.each([
    ["https://example.org/a", "https://example.org/a"],
    ["http://example.org/", "http://example.org/"],
    ["javascript:alert(1)", null],
    ["data:text/html,x", null],
    ["file:///etc/passwd", null],
    ["/lab", null],
    ["https://you@example.org/", null],
    ["https://example.org/\u202egpj.exe", null],
    [{ href: "https://example.org" }, null],
  ])("go to the web or nowhere: %j", async (url, href) => {
    page.ops(["open", "s", "run", { kind: "source", url, title: "A source" }]);
    await settle();
    const chip = page.el.querySelector(".nb-chip");
    expect(chip?.textContent).toContain("A source");
    expect(chip?.getAttribute("href") ?? null).toBe(href);
    if (href !== null) expect(chip?.getAttribute("rel")).toContain("noopener");
  });

  it("to a file that the model made download it as bytes and nothing a page could run", async () => {
    page.ops([
      "open",
      "f",
      "run",
      { kind: "file", media_type: "text/html", data: "PGI+", name: "x.html" },
    ]);
    await settle();
    const chip = page.el.querySelector("a.nb-chip");
    expect(chip?.getAttribute("href")).toBe("data:application/octet-stream;base64,PGI+");
    expect(chip?.getAttribute("download")).toBe("x.html");
  });
});

describe("characters that change the direction of their neighbours", () => {
  const NAME = "pay\u202e002_\u2066";
  const SHOWN = "pay‹U+202E›002_‹U+2066›";

  it("are shown by their numbers in names, labels and attributes", async () => {
    const png = { "image/png": "aGk=" };
    page.ops(
      ["set", "run", { name: NAME, model: `${NAME}!` }],
      tool("f", { ...done(png), name: NAME, args: { [NAME]: NAME }, summary: NAME }),
      ["open", "a", "run", { kind: "agent", name: NAME, status: "running", started: 1 }],
      ["open", "h", "run", { kind: "handoff", from: NAME, to: NAME }],
      ["open", "s", "run", { kind: "status", message: NAME }],
      ["open", "e", "run", { kind: "error", message: NAME, error_type: NAME }],
      ["open", "q", "run", { kind: "approval", prompt: NAME, options: [NAME] }],
      ["open", "i", "run", { kind: "file", media_type: "image/png", data: "aGk=", name: NAME }],
      ["open", "c", "run", { kind: "custom", name: NAME, data: { [NAME]: NAME }, user_open: true }],
    );
    await settle();
    const frame = page.el.querySelector(".nb-frame");
    expect(frame?.outerHTML).not.toMatch(/[\u202a-\u202e\u2066-\u2069]/);
    expect(frame?.textContent?.split(SHOWN).length).toBeGreaterThan(12);
    expect(page.el.querySelector(".nb-title")?.getAttribute("title")).toBe(SHOWN);
    expect(page.el.querySelector(".nb-picture[alt]:not([alt=''])")?.getAttribute("alt")).toBe(
      SHOWN,
    );
    expect(document.querySelector("body > [role=status]")?.textContent).not.toContain("\u202e");
  });
});

describe("odd state", () => {
  const ODD = [undefined, null, 0, -1, Number.NaN, "", "x", [], [null], {}, { a: { b: [] } }, true];
  // An object, so that it does not compile without a new kind.
  // By design `final_only` hides the transcript.
  const FIELDS = PROPS.filter((name) => name !== "final_only");

  it.each([...KINDS, "new"])("of a %s never breaks the transcript", async (kind) => {
    for (const [index, value] of ODD.entries()) {
      const props = Object.fromEntries(FIELDS.map((field) => [field, value]));
      const id = kind === "run" ? "run" : "odd";
      page.snapshot(
        [
          { id, kind, ...props, user_open: true },
          { id: "after", kind: "text", text: "still here", closed: true },
        ],
        index + 2,
      );
      await settle();
      expect(page.el.textContent).toContain("still here");
      expect(page.el.textContent).not.toContain("[object Object]");
    }
  });

  it("of a kind from the future shows its data", async () => {
    page.ops(["open", "u", "run", { kind: "hologram", depth: 3, user_open: true }]);
    await settle();
    expect(rowOf(page.el, "hologram")).toBeDefined();
    expect(page.el.querySelector(".nb-panel")?.textContent).toContain('"depth": 3');
  });
});

describe("what is too big to travel", () => {
  const answer = async (name: string, text: string) => {
    page.model.receive({ t: "part", name, at: 0, text, size: text.length });
    await settle();
  };
  const part = (name: string, head = "") => ({ part: name, size: 20_000, head });

  it("of a tool's arguments: the row shows their head, the panel all of them", async () => {
    const args = part("prop/f/args", '{"query": "select');
    page.ops(tool("f", { state: "output-available", args, user_open: true }), ["close", "f"]);
    await settle();
    expect(rowOf(page.el, "f").textContent).toContain('(query="select');
    await answer("prop/f/args", '{"query":"select 1"}');
    expect(page.el.querySelector(".nb-panel")?.textContent).toContain('"query": "select 1"');
  });

  it("of an error: message and traceback are read when they are looked at, and no button offers to copy what is not here", async () => {
    const error = {
      type: "E",
      message: part("prop/f/error/message", "It fai"),
      traceback: part("prop/f/error/traceback"),
    };
    page.ops(tool("f", { state: "output-error", error }), ["close", "f"]);
    await settle();
    await answer("prop/f/error/message", "It failed");
    expect(page.el.querySelector(".nb-failure")?.textContent).toContain("E: It failed");
    expect(page.sent("need").map((need) => need.name)).toEqual(["prop/f/error/message"]);
    expect(page.el.querySelector(".nb-actions")?.textContent).toBe("traceback");
    page.el.querySelector<HTMLButtonElement>(".nb-fold")?.click();
    await settle();
    await answer("prop/f/error/traceback", "Traceback …");
    expect(page.el.querySelector(".nb-traceback")?.textContent).toBe("Traceback …");
  });

  it("of the frames of an error: the innermost comes first, and opens to its variables", async () => {
    const frame = (name: string, locals: Record<string, string>) => {
      return { file: "Cell In[3]", line: 4, function: name, source: `${name}()`, locals };
    };
    const error = { type: "E", message: "m", traceback: null, frames: part("prop/f/error/frames") };
    page.ops(tool("f", { state: "output-error", error }), ["close", "f"]);
    await settle();
    await answer(
      "prop/f/error/frames",
      JSON.stringify([frame("outer", {}), frame("inner", { year: "1999" })]),
    );
    const rows = [...page.el.querySelectorAll<HTMLButtonElement>(".nb-stack-row")];
    expect(rows.map((row) => row.textContent)).toEqual([
      "inner()inner · Cell In[3], line 4",
      "outer()outer · Cell In[3], line 4",
    ]);
    expect(page.el.querySelector(".nb-stack-locals")?.textContent).toBe("year1999");
    rows[0]?.click();
    rows[1]?.click();
    await settle();
    expect(page.el.querySelector(".nb-stack-locals")?.textContent).toBe("no variables");
  });

  it("of the frames of an error: those of libraries are folded, and the first of the user's own is open", async () => {
    const frame = (name: string, library?: string) => {
      return {
        file: `${name}.py`,
        line: 4,
        function: name,
        source: `${name}()`,
        locals: { x: name },
        library,
      };
    };
    const stack = [
      frame("called", "asyncio"),
      frame("cell"),
      frame("mine"),
      frame("get", "pandas"),
      frame("at", "numpy"),
    ];
    page.ops(
      tool("f", { state: "output-error", error: { type: "E", message: "m", frames: stack } }),
      ["close", "f"],
    );
    await settle();
    const rows = () => [...page.el.querySelectorAll<HTMLButtonElement>(".nb-stack-row")];
    const folded = [
      "2 frames of numpy, pandas",
      "mine()mine · mine.py, line 4",
      "cell()cell · cell.py, line 4",
      "1 frame of asyncio",
    ];
    expect(rows().map((row) => row.textContent)).toEqual(folded);
    expect(page.el.querySelector(".nb-stack-locals")?.textContent).toBe("xmine");
    rows()[0]?.click();
    await settle();
    expect(rows()[1]?.textContent).toBe("at()at · at.py, line 4");
    expect(rows()[1]?.closest("li")?.className).toContain("nb-muted");
  });

  it("of a file is read when the reader wants it", async () => {
    page.ops(["open", "x", "run", { kind: "file", name: "a.bin", data: part("prop/x/data") }]);
    await settle();
    expect(page.sent("need")).toEqual([]);
    const chip = page.el.querySelector<HTMLButtonElement>("button.nb-chip");
    expect(chip?.textContent).toBe("a.bin (get 20 KB)");
    chip?.click();
    await settle();
    await answer("prop/x/data", "QUJD");
    expect(page.el.querySelector("a.nb-chip")?.getAttribute("href")).toBe(
      "data:application/octet-stream;base64,QUJD",
    );
  });

  it("of a picture, a custom event and a status line", async () => {
    page.ops(
      ["open", "i", "run", { kind: "file", media_type: "image/png", data: part("prop/i/data") }],
      [
        "open",
        "c",
        "run",
        { kind: "custom", name: "trace", data: part("prop/c/data"), user_open: true },
      ],
      ["open", "s", "run", { kind: "status", message: part("prop/s/message", "Working on") }],
    );
    await settle();
    await answer("prop/i/data", "QUJD");
    await answer("prop/c/data", '{"depth":3}');
    expect(page.el.querySelector("img")?.getAttribute("src")).toBe("data:image/png;base64,QUJD");
    expect(page.el.textContent).toContain('{"depth": 3}');
    expect(page.el.textContent).toContain("Working on…");
  });
});
