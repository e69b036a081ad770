/**
 * Output of a program as a terminal shows it: tests/shared/terminal.json is read by the kernel's
 * tests too.
 */

import { expect, it } from "vitest";
import table from "../../../tests/shared/terminal.json";
import { Terminal } from "../../src/ui/terminal";
import { seeded } from "../kernel";

function lines(node: HTMLElement): string {
  return [...node.children].map((row) => (row.textContent ?? "").trimEnd()).join("\n");
}

it.each(table.map(([output, shown]) => [output, shown] as const))(
  "%j reads %j",
  (output = "", shown = "") => {
    const terminal = new Terminal(document.createElement("div"));
    terminal.append(output);
    expect(lines(terminal.node)).toBe(shown.trimEnd());
  },
);

it("reads the same in whatever pieces it comes", () => {
  const random = seeded(7);
  for (const [output = ""] of table) {
    const terminal = new Terminal(document.createElement("div"));
    for (let at = 0; at < output.length; ) {
      const end = at + 1 + Math.floor(random() * 4);
      terminal.append(output.slice(at, end));
      at = end;
    }
    const whole = new Terminal(document.createElement("div"));
    whole.append(output);
    expect(lines(terminal.node)).toBe(lines(whole.node));
  }
});

it("has the colours of a terminal, by class", () => {
  const terminal = new Terminal(document.createElement("div"));
  terminal.append("\u001b[1;31mbad\u001b[0m plain \u001b[92mgood\u001b[39m");
  expect(
    [...terminal.node.querySelectorAll("span")].map(({ className, textContent }) => [
      className,
      textContent,
    ]),
  ).toEqual([
    ["nb-bold nb-ink-1", "bad"],
    ["nb-ink-2", "good"],
  ]);
});

it("keeps the last thousand lines, and goes on in the next row of a line without end", () => {
  const terminal = new Terminal(document.createElement("div"));
  terminal.append(Array.from({ length: 5000 }, (_, number) => `line ${number}\n`).join(""));
  terminal.append("x".repeat(10_000));
  expect(terminal.node.children.length).toBe(1000);
  expect(terminal.node.lastElementChild?.textContent).toHaveLength(2000);
  expect(lines(terminal.node)).not.toContain("line 0\n");
});

it("is text and nothing else", () => {
  const terminal = new Terminal(document.createElement("div"));
  terminal.append("<img src=x onerror=alert(1)>\u202e\u001b[31m<b>");
  expect(terminal.node.querySelector("img, b")).toBeNull();
  expect(terminal.node.textContent).toBe("<img src=x onerror=alert(1)>‹U+202E›<b>");
});
