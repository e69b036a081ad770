/** What a reader does with an answer, a table and a picture: copy, save, enlarge. */

import axe from "axe-core";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { press } from "../answering/support";
import { open, ownClock, type Page, RUN, settle, tool } from "../support";

vi.mock("../../src/transcript/drawn-module", async () => {
  const media = await import("../../src/media");
  return { loadDrawn: () => Promise.resolve(media) };
});

ownClock();

let page: Page;
let copied: string[];
beforeEach(() => {
  copied = [];
  const clipboard = { writeText: async (text: string) => void copied.push(text) };
  Object.defineProperty(navigator, "clipboard", { value: clipboard, configurable: true });
  HTMLElement.prototype.getClientRects = () => [{}] as unknown as DOMRectList;
});
afterEach(() => page.close());

async function answered(text: string, isClosed = true): Promise<void> {
  page = open();
  page.ops(RUN, ["open", "t", "run", { kind: "text", text: "" }], ["append", "t", "text", text]);
  if (isClosed) page.ops(["close", "t"]);
  await settle(500);
}

async function returned(result: Record<string, string>): Promise<void> {
  page = open();
  page.ops(RUN, tool("f", { state: "output-available", open: true, result }), ["close", "f"]);
  await settle(500);
}

const named = (name: string) =>
  [...page.el.querySelectorAll("button")].filter((each) => each.textContent === name);

describe("an answer", () => {
  it("is copied as its Markdown", async () => {
    await answered("**Bold**, and `x = 1`.\u001b[31m\n\n| a |\n|---|\n| 1 |");
    await press(page, "Copy answer");
    expect(copied).toEqual(["**Bold**, and `x = 1`.\n\n| a |\n|---|\n| 1 |"]);
    expect(named("Copied")).toHaveLength(1);
    await settle(2000);
    expect(named("Copy answer")).toHaveLength(1);
  });

  it("is copied when it is whole", async () => {
    await answered("Half", false);
    expect(named("Copy answer")).toHaveLength(0);
  });
});

describe("a table", () => {
  it("of an answer is copied for a spreadsheet", async () => {
    await answered("| name | sum |\n|---|---|\n| *north* | -1 |\n| =1+1 | 2 |\n\nThat is all.");
    await press(page, "Copy table");
    expect(copied).toEqual(["name\tsum\r\nnorth\t-1\r\n'=1+1\t2"]);
  });

  it("that is still being written has no buttons yet", async () => {
    await answered("| a |\n|---|\n| 1 |\n| 2", false);
    expect(page.el.querySelector(".nb-table")).not.toBeNull();
    expect(named("Copy table")).toHaveLength(0);
  });

  it("keeps its buttons apart from its cells when the text changes", async () => {
    await answered("| a |\n|---|\n| 1 |");
    page.ops(["set", "t", { text: "| a |\n|---|\n| 2 |" }]);
    await settle(500);
    expect(named("Copy table")).toHaveLength(1);
    await press(page, "Copy table");
    expect(copied).toEqual(["a\r\n2"]);
  });

  it("of a result is saved as CSV, and says what of it is shown", async () => {
    const rows = "<tr><th>0</th><td>Zoë</td></tr><tr><th>...</th><td>...</td></tr>";
    await returned({
      "text/html": `<table><thead><tr><th></th><th>name</th></tr></thead><tbody>${rows}</tbody></table><p>20000 rows × 1 columns</p>`,
    });
    expect(page.el.querySelector(".nb-cut")?.textContent).toBe("1 of 20,000 rows");
    const saved: Blob[] = [];
    URL.createObjectURL = (blob) => {
      saved.push(blob as Blob);
      return "blob:x";
    };
    URL.revokeObjectURL = () => {};
    const names: string[] = [];
    const click = vi.spyOn(HTMLAnchorElement.prototype, "click").mockImplementation(function (
      this: HTMLAnchorElement,
    ) {
      names.push(this.download);
    });
    const csv = named("CSV")[0] as HTMLButtonElement;
    expect(csv.title).toBe("Save 1 of 20,000 rows as CSV");
    csv.click();
    expect(names).toEqual(["table.csv"]);
    const bytes = new Uint8Array((await saved[0]?.arrayBuffer()) ?? []);
    // The mark of UTF-8, which Excel needs.
    expect([...bytes.slice(0, 3)]).toEqual([0xef, 0xbb, 0xbf]);
    expect(new TextDecoder().decode(bytes)).toBe(",name\r\n0,Zoë\r\n...,...");
    click.mockRestore();
  });

  it("is not in every HTML", async () => {
    await returned({ "text/html": "<p>no table</p>" });
    expect(named("CSV")).toHaveLength(0);
  });
});

describe("a picture", () => {
  const dialog = () => page.el.querySelector("dialog");

  it("opens large, in its own size if one wants, and closes; the dialog has a name", async () => {
    HTMLDialogElement.prototype.showModal ??= function () {
      this.open = true;
    };
    HTMLDialogElement.prototype.close ??= function () {
      this.open = false;
      this.dispatchEvent(new Event("close"));
    };
    await returned({ "image/svg+xml": '<svg xmlns="http://www.w3.org/2000/svg"/>' });
    const zoom = page.el.querySelector<HTMLButtonElement>(".nb-zoom");
    expect(zoom?.textContent).toBe("Enlarge the picture");
    zoom?.click();
    await settle();
    expect(dialog()?.open).toBe(true);
    expect(dialog()?.querySelector("img")?.src).toBe(zoom?.querySelector("img")?.src);
    await press(page, "Actual size");
    expect(dialog()?.className).toContain("nb-natural");
    vi.useRealTimers();
    const { violations } = await axe.run(page.el, {
      rules: { "color-contrast": { enabled: false }, region: { enabled: false } },
    });
    vi.useFakeTimers();
    expect(violations.map(({ id }) => id)).toEqual([]);
    named("Close")[0]?.click();
    await settle();
    expect(dialog()).toBeNull();
  });
});
