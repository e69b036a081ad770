/** Every state a reader can meet, as the ops that lead to it. `at(s)` is the time s seconds before now. */

const run = (at, ago, more = {}) => [
  "open",
  "run",
  null,
  {
    kind: "run",
    name: "analyst",
    model: "demo",
    status: "running",
    started: at(ago),
    events: 0,
    deltas: 0,
    tools: 0,
    tools_failed: 0,
    ...more,
  },
];

const thought = (at, from, to, text, id = "thought") => [
  [
    "open",
    id,
    "run",
    { kind: "reasoning", text: "", reasoning_kind: "summary", started: at(from) },
  ],
  ["append", id, "text", text],
  ...(to === null
    ? []
    : [
        ["set", id, { ended: at(to) }],
        ["close", id],
      ]),
];

const tool = (at, id, name, args, from, to, outcome, parent = "run") => [
  [
    "open",
    id,
    parent,
    {
      kind: "tool",
      name,
      tool_kind: "function",
      state: "input-streaming",
      args_text: "",
      started: at(from),
    },
  ],
  ["append", id, "args_text", JSON.stringify(args)],
  ["set", id, { args, args_valid: true, state: "input-available", args_done: at(from) }],
  ...(outcome === null
    ? []
    : [
        ["set", id, { ended: at(to), ...outcome }],
        ["close", id],
      ]),
];

const text = (id, content, closed = true, more = {}, parent = "run") => [
  ["open", id, parent, { kind: "text", text: "", text_kind: "text", ...more }],
  ["append", id, "text", content],
  ...(closed ? [["close", id]] : []),
];

const ok = (summary, result) => ({ state: "output-available", summary, result });

const FRAME = `<table><thead><tr><th></th><th>region</th><th>2024</th><th>2025</th></tr></thead><tbody>
<tr><th>0</th><td>north</td><td>412</td><td>498</td></tr><tr><th>1</th><td>south</td><td>388</td><td>401</td></tr></tbody></table>`;

const TRACEBACK = `Traceback (most recent call last):
  File "agent/tools.py", line 88, in call
    return function(**arguments)
  File "rates.py", line 12, in fetch_rates
    raise ConnectionError(f"{host} refused the connection")
ConnectionError: rates.internal:443 refused the connection`;

const ANSWER = `Revenue grew in **three of four** regions; \`north\` led.

| region | 2024 | 2025 | growth |
|:-------|-----:|-----:|-------:|
| north  |  412 |  498 | +21 %  |
| south  |  388 |  401 | +3 %   |

`;

const PIXEL =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

const CHART = `<svg xmlns="http://www.w3.org/2000/svg" width="260" height="90"><g fill="#1976d2"><rect x="10" y="30" width="40" height="60"/><rect x="70" y="10" width="40" height="80"/><rect x="130" y="45" width="40" height="45"/></g></svg>`;

const ROWS = Array.from({ length: 300 }, (_, id) => ({ id, name: `row ${id}` }));

const LONG_TEXT = "A line of a log that is long.\n".repeat(1000);

const WIDE_FRAME = `<table><thead><tr><th></th>${"<th>quarter</th>".repeat(40)}</tr></thead>
<tbody><tr><th>0</th>${"<td>1,234</td>".repeat(40)}</tr></tbody></table>`;

const SQL_SCHEMA = {
  type: "object",
  properties: {
    query: { type: "string", description: "a statement of SQL" },
    limit: { type: "integer", minimum: 1, maximum: 10000, default: 100 },
    dry_run: { type: "boolean", default: false },
  },
  required: ["query"],
  additionalProperties: false,
};

const REPORT = {
  title: "Revenue by region",
  days: 30,
  limit: null,
  urgent: false,
  format: "pdf",
  since: "2025-01-31",
  recipients: ["ana@example.org", "bo@example.org"],
  query:
    "SELECT region, SUM(revenue) AS revenue\nFROM sales\nWHERE day >= '2025-01-31'\nGROUP BY region\nORDER BY revenue DESC",
  options: { page: { width: 210, margins: [10, 10, 12, 12] }, fonts: ["serif"] },
};

const REPORT_SCHEMA = {
  type: "object",
  properties: {
    title: { type: "string" },
    days: { type: "integer", minimum: 1, maximum: 365 },
    limit: { anyOf: [{ type: "integer" }, { type: "null" }], default: null },
    urgent: { type: "boolean" },
    format: { enum: ["pdf", "html"] },
    since: { type: "string", format: "date" },
    recipients: { type: "array", items: { type: "string" } },
    query: { type: "string" },
    options: { type: "object" },
    note: { type: "string", default: "" },
  },
  required: ["title"],
};

const CONTACT_SCHEMA = {
  type: "object",
  properties: {
    name: { type: "string" },
    email: { type: "string", format: "email" },
    urgency: { enum: ["low", "normal", "high"] },
  },
  required: ["name", "email"],
};

export const SCENES = {
  "Running: thought is done, a tool runs, arguments stream in": (at) => [
    run(at, 4.1, {
      deltas: 128,
      events: 140,
      tools: 2,
      first_token: 0.31,
      usage: { input: 1284, output: 96 },
    }),
    ...thought(at, 4, 2, "I need the sales first."),
    ...tool(at, "load", "load_sales", { year: 2025 }, 2, 1.7, ok("DataFrame 1,204×6")),
    [
      "open",
      "group",
      "run",
      {
        kind: "tool",
        name: "group_by",
        tool_kind: "function",
        state: "input-streaming",
        args_text: "",
        started: at(1.2),
      },
    ],
    ["append", "group", "args_text", '{"column": "region", "metric": "rev'],
  ],
  "Answer streaming; thinking kept open by the reader": (at) => [
    run(at, 7.8, { deltas: 301, tools: 3, usage: { input: 2310, output: 342 } }),
    ...thought(
      at,
      7,
      5,
      "The question asks for growth, so I need two years and the same regions in both. First load 2025, then group.",
    ),
    ["set", "thought", { user_open: true }],
    ...tool(
      at,
      "group",
      "group_by",
      { column: "region", metric: "revenue" },
      4,
      3.9,
      ok("4 rows", { "text/html": FRAME }),
    ),
    ...text("answer", `${ANSWER}The drop in the west comes from`, false),
  ],
  "Waiting for an approval": (at) => [
    run(at, 12, { tools: 1 }),
    ...tool(
      at,
      "sql",
      "run_sql",
      { query: "DELETE FROM staging WHERE day < '2025-01-01'", limit: 1000 },
      11,
      0,
      null,
    ),
    ["set", "sql", { state: "approval-requested" }],
    [
      "open",
      "ask",
      "run",
      {
        kind: "approval",
        approval_kind: "tool",
        tool_id: "sql",
        prompt: "Run this statement on the staging database?",
        args: { query: "DELETE FROM staging WHERE day < '2025-01-01'", limit: 1000 },
      },
    ],
  ],
  "Questions that can be answered": (at) => [
    run(at, 12, { tools: 2 }),
    [
      "open",
      "prompt",
      "run",
      { kind: "prompt", text: "Clean up the staging database,\nbut keep this year.", files: null },
    ],
    ["close", "prompt"],
    ...tool(
      at,
      "sql",
      "run_sql",
      { query: "DELETE FROM staging WHERE day < '2025-01-01'", limit: 1000 },
      11,
      0,
      null,
    ),
    ["set", "sql", { state: "approval-requested" }],
    [
      "open",
      "approval:sql",
      "sql",
      {
        kind: "approval",
        approval_kind: "tool",
        tool_id: "sql",
        answerable: true,
        can_remember: true,
        args: { query: "DELETE FROM staging WHERE day < '2025-01-01'", limit: 1000 },
        schema: SQL_SCHEMA,
      },
    ],
    [
      "open",
      "approval:pick",
      "run",
      {
        kind: "approval",
        approval_kind: "input",
        prompt: "Which database is meant?",
        options: ["staging", "production"],
        answerable: true,
      },
    ],
    [
      "open",
      "approval:auth",
      "run",
      {
        kind: "approval",
        approval_kind: "auth",
        prompt: "Sign in to the ticket system.",
        args: { url: "https://login.example.org/oauth/authorize?client=nbagent" },
        answerable: true,
      },
    ],
    [
      "open",
      "approval:input",
      "run",
      {
        kind: "approval",
        approval_kind: "input",
        prompt: "Whom should the report go to?",
        schema: CONTACT_SCHEMA,
        answerable: true,
      },
    ],
    [
      "open",
      "approval:done",
      "run",
      {
        kind: "approval",
        approval_kind: "tool",
        args: { query: "SELECT 1", limit: 1000 },
        value: { query: "SELECT 1", limit: 10 },
        decision: "approve",
        remember: true,
      },
    ],
    ["close", "approval:done"],
  ],
  "Stopped before a call": (at) => [
    run(at, 12, { tools: 1 }),
    ...tool(at, "report", "write_report", REPORT, 11, 0, null),
    ["set", "report", { state: "approval-requested" }],
    [
      "open",
      "approval:report",
      "report",
      {
        kind: "approval",
        approval_kind: "stop",
        stage: "call",
        prompt: "breakpoint",
        tool_id: "report",
        answerable: true,
        args: REPORT,
        schema: REPORT_SCHEMA,
      },
    ],
  ],
  "A tool that prints": (at) => [
    run(at, 4, { tools: 1 }),
    ...tool(at, "crawl", "crawl", { url: "https://example.org" }, 3, 0, null),
    ["set", "crawl", { progress: { message: "page 12 of 40", progress: 12, total: 40 } }],
    [
      "append",
      "crawl",
      "output",
      "Starting\n\u001b[32mOK\u001b[0m robots.txt\n\u001b[1;31mWARN\u001b[0m slow host\n 10%|#         |\r 30%|###       | 12/40",
    ],
  ],
  "A tool failed; stopped by the reader": (at) => [
    run(at, 5.2, {
      status: "cancelled",
      stopped_by: "you",
      ended: at(0),
      tools: 1,
      tools_failed: 1,
    }),
    ...tool(at, "rates", "fetch_rates", { currency: "CHF" }, 5, 2.6, {
      state: "output-error",
      error: {
        type: "ConnectionError",
        message: "rates.internal:443 refused the connection",
        traceback: TRACEBACK,
      },
    }),
    ...text("answer", "I could not get today's rates, so"),
    ["close", "run"],
  ],
  "Two agents side by side": (at) => [
    run(at, 2.6, { name: "dialogue" }),
    ["open", "s", "run", { kind: "agent", name: "Socrates", status: "running", started: at(2.4) }],
    ["open", "p", "run", { kind: "agent", name: "Plato", status: "running", started: at(2.4) }],
    ...text("st", "What do you mean by *streaming*, my friend?", true, {}, "s"),
    ["set", "s", { status: "completed", ended: at(0.3) }],
    ["close", "s"],
    ["open", "pt", "p", { kind: "reasoning", text: "", started: at(1.2) }],
    ...text("px", "The tokens are shadows of", false, {}, "p"),
  ],
  "Done, with figures": (at) => [
    run(at, 9.4, {
      status: "completed",
      ended: at(0),
      tools: 3,
      tools_failed: 1,
      first_token: 0.42,
      usage: { input: 2310, output: 512, reasoning: 88, cost: 0.0021 },
    }),
    ...thought(at, 9, 6.9, "Compare the years."),
    ...tool(at, "load", "load_sales", { year: 2025 }, 6.9, 6.6, ok("DataFrame 1,204×6")),
    ...tool(
      at,
      "group",
      "group_by",
      { column: "region", metric: "revenue" },
      6.6,
      6.5,
      ok("4 rows"),
    ),
    ...tool(at, "plot", "plot", {}, 6.5, 4.4, ok("figure", { "image/svg+xml": CHART })),
    ...text("answer", `${ANSWER}The drop in the west comes from one customer.`),
    [
      "open",
      "src1",
      "run",
      { kind: "source", url: "https://example.org/report", title: "Annual report 2025" },
    ],
    ["open", "src2", "run", { kind: "source", url: "https://example.com/a/b" }],
    ["close", "run"],
  ],
  "Results opened": (at) => [
    run(at, 15, { status: "completed", ended: at(0), tools: 5 }),
    ...tool(
      at,
      "frame",
      "load_sales",
      { year: 2025 },
      14,
      13,
      ok("DataFrame 2×3", { "text/html": FRAME }),
    ),
    ["set", "frame", { user_open: true }],
    ...tool(
      at,
      "json",
      "lookup",
      {
        id: 7,
        deep: { filters: ["a", "b"], since: "2025-01-01", until: "2025-12-31", verbose: true },
      },
      12,
      11,
      ok("dict of 4", {
        "application/json": {
          id: 7,
          name: "north",
          empty: {},
          rows: [
            { a: 1, b: null },
            { a: 2, b: [true, false] },
          ],
          note: "a longer text that needs some room in the tree",
        },
      }),
    ),
    ["set", "json", { user_open: true }],
    ...tool(at, "chart", "plot", { kind: "bar" }, 11, 10, ok("figure", { "image/svg+xml": CHART })),
    ["set", "chart", { user_open: true }],
    ...tool(at, "pixel", "render", null, 10, 9.9, ok("image 1×1", { "image/png": PIXEL })),
    ...tool(at, "zero", "count", { of: "errors" }, 9, 8.99, ok("0", { "application/json": 0 })),
    ["set", "zero", { user_open: true }],
    ...tool(
      at,
      "big",
      "dump",
      {},
      8,
      7,
      ok("3.2 MB of text", { "text/plain": { part: "result/big/text/plain", size: 3200000 } }),
    ),
    ["set", "big", { user_open: true }],
  ],
  "Every other kind of line": (at) => [
    run(at, 65, { status: "incomplete", code: "stream_truncated", ended: at(0) }),
    [
      "open",
      "n1",
      "run",
      { kind: "status", message: "Rate limited, trying again in 2 s", level: "warning" },
    ],
    ["open", "n2", "run", { kind: "status", message: "Searching the web", level: "info" }],
    ["open", "h", "run", { kind: "handoff", from: "triage", to: "billing" }],
    ["open", "c", "run", { kind: "custom", name: "langgraph.values", data: { a: 1 } }],
    ["open", "u", "run", { kind: "from-the-future", whatever: [1, 2, 3] }],
    [
      "open",
      "ok",
      "run",
      {
        kind: "approval",
        prompt: "Send the mail to ana@example.org?",
        decision: "deny",
        reason: "wrong address",
      },
    ],
    ...tool(at, "slow", "crawl", { url: "https://example.org", depth: 3 }, 20, 0, null),
    ["set", "slow", { progress: { message: "page 12 of 40", progress: 12, total: 40 } }],
    ...tool(at, "denied", "run_sql", { query: "DROP TABLE users" }, 19, 18, {
      state: "output-denied",
      error: { message: "not on production" },
    }),
    ...tool(
      at,
      "off",
      "fetch",
      { url: "https://example.org/very/long/path/that/does/not/fit/into/the/row/at/all" },
      17,
      12,
      { state: "cancelled" },
    ),
    ...text("no", "I can't help with that.", true, { text_kind: "refusal" }),
    ["open", "f", "run", { kind: "file", media_type: "text/csv", data: "YQ==", name: "sales.csv" }],
    [
      "open",
      "e",
      "run",
      {
        kind: "error",
        message: "The stream ended without its last event.",
        error_type: "StreamTruncated",
        code: "stream_truncated",
        fatal: true,
      },
    ],
  ],
  Markdown: (at) => [
    run(at, 3, { status: "completed", ended: at(0) }),
    ...text(
      "md",
      '## Heading\n\nA paragraph with `code`, a [link](https://example.org) and $e^{i\\pi}=-1$.\n\n- one\n- two\n  - nested\n\n1. first\n2. second\n\n- [x] done\n- [ ] open\n\n> A quotation.\n\n```python\ndef f(x: int) -> str:\n    # a comment\n    return f"{x}" * 3\n```\n\n$$\\int_0^1 x^2\\,dx = \\tfrac13$$\n\n---\n\n~~gone~~ and ![a picture](https://example.org/x.png)',
    ),
  ],
  Thinking: (at) => [
    run(at, 3.2, { deltas: 40 }),
    ...thought(
      at,
      3,
      null,
      "The reader asks for growth.\n\nSo two years are needed, and the same regions in both; the west was split in 2024.",
    ),
  ],
  "Before anything came": () => null,
  "More than fits": (at) => [
    run(at, 15, { status: "stopping", tools: 4 }),
    ...thought(at, 14, null, "One more line of a long thought.\n\n".repeat(30)),
    ...tool(
      at,
      "rows",
      "query",
      { limit: 500 },
      12,
      11,
      ok("list of 300", { "application/json": ROWS }),
    ),
    ["set", "rows", { user_open: true }],
    ...tool(
      at,
      "log",
      "read_log",
      { lines: LONG_TEXT.length },
      11,
      10,
      ok("text", { "text/plain": LONG_TEXT }),
    ),
    ["set", "log", { user_open: true }],
    ...tool(at, "wide", "load", {}, 9, 8, ok("DataFrame 2×40", { "text/html": WIDE_FRAME })),
    ["set", "wide", { user_open: true }],
    ...text(
      "md",
      `\`\`\`python\n${"wide = ".repeat(60)}1\n\`\`\`\n\n|${" column |".repeat(30)}\n|${"--|".repeat(30)}\n|${" value |".repeat(30)}\n\n$$${"x_1 + ".repeat(80)}y$$\n\nhttps://example.org/${"a".repeat(300)}`,
    ),
  ],
  "The other states of a tool": (at) => [
    run(at, 15, { tools: 4 }),
    ...tool(at, "asked", "transfer", { amount: 5 }, 12, 0, null),
    ["set", "asked", { state: "approval-responded" }],
    [
      "open",
      "answered",
      "run",
      { kind: "approval", approval_kind: "tool", tool_id: "asked", decision: "approve" },
    ],
    ...tool(at, "left", "get_weather", { city: "Paris" }, 11, 0, null),
    ["close", "left"],
    ...tool(at, "code", "run_code", "print('hello')", 10, 9, ok("text", { "text/plain": "hello" })),
    ["set", "code", { user_open: true }],
    [
      "open",
      "bad",
      "run",
      { kind: "tool", name: "search", state: "input-streaming", args_text: "", started: at(8) },
    ],
    ["append", "bad", "args_text", '{"query": '],
    [
      "set",
      "bad",
      { state: "output-error", args_valid: false, error: { message: "not JSON" }, ended: at(7) },
    ],
    ["close", "bad"],
    [
      "open",
      "inner",
      "run",
      { kind: "agent", name: "researcher", status: "running", started: at(6) },
    ],
    ...tool(at, "nested", "search", { q: "a" }, 5, 4, ok("3 hits"), "inner"),
    ...text("said", "Found it.", true, {}, "inner"),
    ["set", "inner", { status: "failed", ended: at(3) }],
    ["close", "inner"],
  ],
  Failed: (at) => [
    run(at, 15, { status: "failed", ended: at(0) }),
    ...text("half", "The answer is"),
    [
      "open",
      "e",
      "run",
      {
        kind: "error",
        message: "401: no such key",
        error_type: "AuthenticationError",
        traceback: TRACEBACK,
      },
    ],
    ["close", "run"],
  ],
  Paused: (at) => [
    run(at, 15, { status: "paused", ended: at(0) }),
    [
      "open",
      "ask",
      "run",
      { kind: "approval", prompt: "Which city?", options: ["Paris", "Rome"], args: [1, 2] },
    ],
  ],
  "Out of steps": (at) => [
    run(at, 15, { status: "max_steps", ended: at(0) }),
    ...text("half", "So far"),
  ],
};
