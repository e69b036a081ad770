/** The form of an answer: made from a schema, checked as one types, exact in what is left alone. */

import { afterEach, describe, expect, it, vi } from "vitest";
import table from "../../../tests/shared/forms.json";
import { open, ownClock, type Page, settle } from "../support";
import { ask, askFor, button, field, press, problems, SQL, type } from "./support";

vi.mock("../../src/transcript/drawn-module", async () => {
  const answering = await import("../../src/answering");
  return { loadDrawn: () => Promise.resolve(answering) };
});

ownClock();

let page: Page;
afterEach(() => page.close());

async function edit(text: string, schema: unknown): Promise<void> {
  page = await ask(text, { schema });
}

/** The answer that is sent when the reader allows it; null if none is. */
async function allowed(): Promise<unknown> {
  page.el.querySelector<HTMLButtonElement>("button[type=submit]")?.click();
  await settle();
  return page.sent("answer")[0] ?? null;
}

const approved = (value?: string) => ({
  t: "answer",
  block: "approval:sql",
  decision: "approve",
  ...(value !== undefined && { value }),
});

describe.each(table)("the form of $name", ({ schema, fits, fails }) => {
  it.each(fits)(
    "shows %s and changes nothing, even where each field is typed again",
    async (text) => {
      await edit(text, schema);
      for (const control of page.el.querySelectorAll<HTMLInputElement>(
        "textarea, input:not([type=range]), select:not(.nb-variant)",
      )) {
        if (control.type === "checkbox" || control.placeholder === "name") continue;
        await type(control, control.value);
      }
      expect(problems(page)).toEqual([]);
      expect(await allowed()).toEqual(approved());
    },
  );

  it.each(fails)("sends $value as it came: the kernel has the last word", async ({ value }) => {
    await edit(value, schema);
    expect(await allowed()).toEqual(approved());
  });

  it.each(fails)("does not send $value if the reader made it", async ({ value }) => {
    await edit(fits[0] ?? "", schema);
    await press(page, "As JSON");
    await type(page.el.querySelector(".nb-form textarea") as HTMLTextAreaElement, value);
    await press(page, "As fields");
    expect(await allowed()).toBeNull();
    expect(problems(page).length).toBeGreaterThan(0);
    const wrong = page.el.querySelector(".nb-problem")?.closest(".nb-form-row, .nb-form");
    expect(wrong?.contains(document.activeElement)).toBe(true);
  });
});

describe("an argument", () => {
  it("that is changed is sent, the others as they were written", async () => {
    await edit('{"id": 9007199254740993, "2": 1.0, "q":  "a"}', true);
    await type(field(page, "q"), "b");
    expect(button(page, "Allow with changes")).toBeDefined();
    expect(await allowed()).toEqual(approved('{"id": 9007199254740993, "2": 1.0, "q": "b"}'));
  });

  it("that is changed back is not sent", async () => {
    await edit('{"query": "a"}', SQL);
    await type(field(page, "query"), "b");
    expect(button(page, "Allow with changes")).toBeDefined();
    await type(field(page, "query"), "a");
    expect(button(page, "Allow")).toBeDefined();
    expect(await allowed()).toEqual(approved());
  });

  it("that was changed is as it came after a reset, which keeps the keyboard in the form", async () => {
    await edit('{"query": "a", "limit": 5}', SQL);
    expect(() => button(page, "Reset")).toThrow();
    await type(field(page, "limit"), "5x");
    await press(page, "Reset");
    expect(field(page, "limit").value).toBe("5");
    expect(document.activeElement).toBe(field(page, "query"));
    expect(() => button(page, "Reset")).toThrow();
    expect(await allowed()).toEqual(approved());
  });

  it.each([
    ["a number", { type: "integer" }, "9".repeat(1000)],
    ["a text where none fits", { type: "integer" }, JSON.stringify("x".repeat(100_000))],
    ["one of a few", { enum: ["a", "b"] }, JSON.stringify(`a${"x".repeat(100)}`)],
    ["nothing", { type: "null" }, JSON.stringify("rm -rf /")],
    ["a text", { type: "string" }, JSON.stringify(`${"x\n".repeat(50_000)}end`)],
  ])("is seen whole above Allow, though it should be short: %s", async (_, schema, text) => {
    await edit(`{"a": ${text}}`, { type: "object", properties: { a: schema } });
    const area = page.el.querySelector<HTMLTextAreaElement>(".nb-area > textarea");
    expect([text, JSON.parse(text)]).toContain(area?.value);
    expect(area?.parentElement?.dataset.text).toBe(area?.value);
  });

  it("of a call without any is not asked for", async () => {
    await edit("{}", { type: "object", properties: {} });
    expect(page.el.querySelector(".nb-form")).toBeNull();
    expect(await allowed()).toEqual(approved());
  });

  it("that is wrong is said to be, beside the field, as one types", async () => {
    await edit('{"query": "a", "limit": 5}', SQL);
    const limit = field(page, "limit");
    await type(limit, "500");
    expect(limit.getAttribute("aria-invalid")).toBe("true");
    const described = limit.getAttribute("aria-describedby")?.split(" ") ?? [];
    expect(described.map((id) => document.getElementById(id)?.textContent)).toEqual([
      "must be at most 100",
    ]);
    await type(limit, "5x");
    expect(problems(page)).toEqual(["must be a whole number"]);
    expect(limit.value).toBe("5x");
    await type(limit, "50");
    expect(limit.getAttribute("aria-invalid")).toBe("false");
    expect(await allowed()).toEqual(approved('{"query": "a", "limit": 50}'));
  });

  it("that may be left out is added with its default, and taken out again", async () => {
    await edit('{"query": "a"}', SQL);
    await press(page, "+ limit");
    expect(field(page, "limit").value).toBe("10");
    expect(document.activeElement).toBe(field(page, "limit"));
    await press(page, "Remove limit");
    expect(await allowed()).toEqual(approved());
  });

  it("that is missing is asked for when the form is sent, not before", async () => {
    await edit("{}", SQL);
    await press(page, "+ limit");
    expect(problems(page)).toEqual([]);
    expect(await allowed()).toBeNull();
    expect(problems(page)).toEqual(["is required"]);
    expect(document.activeElement).toBe(field(page, "query"));
  });

  it("of a list is added and removed", async () => {
    const schema = {
      type: "object",
      properties: { tags: { type: "array", items: { type: "string" }, maxItems: 3 } },
    };
    await edit('{"tags": ["a", "b"]}', schema);
    await press(page, "Remove 1");
    await press(page, "+ item");
    await type(field(page, "2"), "c");
    await press(page, "+ item");
    expect(() => button(page, "+ item")).toThrow();
    await press(page, "Remove 3");
    expect(await allowed()).toEqual(approved('{"tags": ["b", "c"]}'));
  });

  it("of any name is added where the schema allows it", async () => {
    await edit('{"counts": {}}', {
      properties: { counts: { type: "object", additionalProperties: { type: "integer" } } },
    });
    const name = page.el.querySelector<HTMLInputElement>(".nb-new-member input");
    if (!name) throw new Error("no field for a name");
    await type(name, "__proto__");
    await press(page, "Add entry");
    await type(field(page, "__proto__"), "3");
    expect(await allowed()).toEqual(approved('{"counts": {"__proto__": 3}}'));
  });

  it("of several kinds keeps what was typed for each", async () => {
    await edit('{"either": 3}', {
      properties: {
        either: { anyOf: [{ type: "integer" }, { type: "string" }, { type: "null" }] },
      },
    });
    const kind = () => page.el.querySelector(".nb-variant") as HTMLSelectElement;
    expect([...kind().options].map(({ label }) => label)).toEqual(["whole number", "text", "none"]);
    await type(kind(), "1");
    await type(field(page, "either"), "x");
    await type(kind(), "2");
    await type(kind(), "0");
    expect(field(page, "either").value).toBe("3");
    await type(kind(), "1");
    expect(field(page, "either").value).toBe("x");
    expect(await allowed()).toEqual(approved('{"either": "x"}'));
  });

  it("that is true or false is a box", async () => {
    await edit('{"dry": false}', { properties: { dry: { type: "boolean" } } });
    field(page, "dry").click();
    await settle();
    expect(await allowed()).toEqual(approved('{"dry": true}'));
  });

  it("of an enum is chosen", async () => {
    await edit('{"level": 1}', { properties: { level: { enum: [1, 2, "2"] } } });
    await type(field(page, "level"), "1");
    expect(await allowed()).toEqual(approved('{"level": 2}'));
  });

  it("in a range has a slider, and the arrow keys go a step", async () => {
    await edit('{"query": "a", "limit": 99}', SQL);
    const limit = field(page, "limit");
    for (let press = 0; press < 3; press += 1) {
      limit.dispatchEvent(
        new KeyboardEvent("keydown", { key: "ArrowUp", bubbles: true, cancelable: true }),
      );
      await settle();
    }
    expect(limit.value).toBe("100");
    const slider = page.el.querySelector<HTMLInputElement>("input[type=range]");
    if (slider) await type(slider, "7");
    expect(await allowed()).toEqual(approved('{"query": "a", "limit": 7}'));
  });

  it("with a time zone keeps it", async () => {
    await edit('{"at": "2025-01-31T09:30:00+05:30"}', {
      properties: { at: { type: "string", format: "date-time" } },
    });
    const at = field(page, "at");
    expect(at.type).toBe("datetime-local");
    await type(at, "2025-02-01T10:00");
    expect(await allowed()).toEqual(approved('{"at": "2025-02-01T10:00:00+05:30"}'));
  });

  it("that is written in no known form is a text", async () => {
    await edit('{"day": "soon", "at": "2025-01-31T09:30:00.123456Z"}', {
      properties: {
        day: { type: "string", format: "date" },
        at: { type: "string", format: "date-time" },
      },
    });
    expect(field(page, "day").localName).toBe("textarea");
    expect(field(page, "at").value).toBe("2025-01-31T09:30:00.123456Z");
    expect(problems(page)).toEqual(["must be a date, such as 2025-01-31"]);
  });
});

describe("as JSON", () => {
  const json = () =>
    page.el.querySelector<HTMLTextAreaElement>(".nb-form textarea") as HTMLTextAreaElement;

  it("all may be written", async () => {
    await edit('{"query": "a"}', SQL);
    await press(page, "As JSON");
    expect(json().value).toBe('{"query": "a"}');
    await type(json(), '{"query": "b",}');
    expect(problems(page)).toEqual(['not JSON at "}"']);
    expect(await allowed()).toBeNull();
    await type(json(), '{"query": "b", "limit": 9007199254740993}');
    expect(page.el.textContent).toContain("By its schema, limit must be at most 100");
    expect(await allowed()).toEqual(approved('{"query": "b", "limit": 9007199254740993}'));
  });

  it("what was typed is there as fields, and the other way round", async () => {
    await edit('{"query": "a"}', SQL);
    await press(page, "As JSON");
    await type(json(), '{"query": "b"}');
    await press(page, "As fields");
    expect(field(page, "query").value).toBe("b");
    await type(field(page, "query"), "c");
    await press(page, "As JSON");
    expect(json().value).toBe('{"query": "c"}');
  });

  it("is what has too many fields, or is nested too deep", async () => {
    const many = Object.fromEntries(
      Array.from({ length: 5000 }, (_, index) => [`f${index}`, { type: "string" }]),
    );
    await edit('{"f1": "x"}', { type: "object", properties: many });
    expect(page.el.querySelectorAll(".nb-form *").length).toBeLessThan(100);
    expect(json().value).toBe('{"f1": "x"}');
    page.close();
    await edit(`${'{"a":'.repeat(100)}{}${"}".repeat(100)}`, {
      $ref: "#/$defs/N",
      $defs: { N: { properties: { a: { $ref: "#/$defs/N" } } } },
    });
    expect(page.el.querySelectorAll(".nb-form *").length).toBeLessThan(200);
    expect(await allowed()).toEqual(approved());
  });
});

describe("an input", () => {
  it("without a schema is a text", async () => {
    page = await askFor("input", { prompt: "Your name?" });
    await type(field(page, "answer"), "Ana");
    await press(page, "Submit");
    expect(page.sent("answer")).toEqual([
      { t: "answer", block: "approval:a", decision: "approve", value: '"Ana"' },
    ]);
  });

  it("shows all that may be given, and sends what was", async () => {
    const schema = {
      type: "object",
      properties: {
        name: { type: "string" },
        email: { type: "string", format: "email" },
        age: { type: "integer" },
      },
      required: ["name"],
    };
    page = await askFor("input", { schema });
    await press(page, "Submit");
    expect(problems(page)).toEqual(["is required"]);
    await type(field(page, "name"), "Ana");
    await type(field(page, "email"), "ana");
    await press(page, "Submit");
    expect(page.sent("answer")).toEqual([]);
    await type(field(page, "email"), "ana@example.org");
    await press(page, "Submit");
    expect(page.sent("answer")[0]?.value).toBe('{"name": "Ana", "email": "ana@example.org"}');
  });

  it("starts from its default", async () => {
    page = await askFor("input", { schema: { type: "integer", default: 3 } });
    await press(page, "Submit");
    expect(page.sent("answer")[0]?.value).toBe("3");
  });
});

it("hidden characters of a text are pointed out while it is edited", async () => {
  await edit('{"file": "photo\\u202egpj.exe"}', true);
  expect(field(page, "file").value).toBe("photo\u202egpj.exe");
  expect(page.el.querySelector(".nb-form")?.textContent).toContain(
    "With hidden characters: photo‹U+202E›gpj.exe",
  );
  expect(await allowed()).toEqual(approved());
});

it("hidden characters are pointed out in names, in JSON, and far behind", async () => {
  await edit(`{"a\u202eb": ["\u200b"], "long": "${"x".repeat(1000)}\u200bend"}`, true);
  const shown = page.el.querySelector(".nb-form")?.textContent;
  for (const text of ["a‹U+202E›b", '["‹U+200B›"]', "x‹U+200B›end"]) expect(shown).toContain(text);
});

it("many values are JSON, which is not drawn as fields", async () => {
  await edit(JSON.stringify({ rows: Array.from({ length: 5000 }, (_, row) => row) }), {
    properties: { rows: { type: "array", items: { type: "integer" } } },
  });
  expect(page.el.querySelectorAll(".nb-form textarea, .nb-form input")).toHaveLength(1);
  expect(() => button(page, "As fields")).toThrow();
});

it("a list of which nothing is known is one value, however long it is", async () => {
  await edit(JSON.stringify({ rows: Array.from({ length: 500 }, (_, row) => row), name: "x" }), {
    properties: { rows: {}, name: {} },
  });
  expect(field(page, "name").value).toBe("x");
});

it("others are added where the schema expects them, not where it only allows them", async () => {
  await edit('{"a": 1}', { type: "object" });
  expect(page.el.querySelector(".nb-new-member")).toBeNull();
  page.close();
  await edit('{"a": 1}', { properties: { a: {} }, additionalProperties: true });
  expect(page.el.querySelector(".nb-new-member")).not.toBeNull();
});

it("a form that is no schema is made from the values", async () => {
  page = open();
  await ask('{"a": 1, "b": [1, {"c": 2}], "d": "x", "e": null}', { schema: "nonsense" }, page);
  await type(field(page, "b"), "[1]");
  await type(field(page, "e"), "{}");
  expect(await allowed()).toEqual(approved('{"a": 1, "b": [1], "d": "x", "e": {}}'));
});
