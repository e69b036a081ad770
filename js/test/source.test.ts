/** Rules for the sources, because a widget's state is not to be trusted. */

import { expect, it } from "vitest";

const sources = import.meta.glob<string>("../src/**/*.{ts,tsx}", {
  eager: true,
  query: "?raw",
  import: "default",
});

/** Files of the web page that speak to its server. */
const ON_NETWORK = ["../src/page/server.ts", "../src/page/socket-model.ts"];
const NETWORK =
  /\bfetch\(|XMLHttpRequest|WebSocket|EventSource|sendBeacon|https?:\/\/(cdn|unpkg|esm\.)/;

it.each([
  [
    "put text into the page as HTML",
    /\b(innerHTML|outerHTML|insertAdjacentHTML|document\.write)\b|dangerouslySet/,
  ],
  ["run text as code", /\beval\(|new Function\(/],
  ["reach for the network", NETWORK],
  ["write to the console, except for developers", /\bconsole\.(?!debug\()/],
])("no source may %s", (_, pattern) => {
  expect(Object.keys(sources).length).toBeGreaterThan(30);
  const guilty = Object.entries(sources).filter(([, text]) => pattern.test(withoutComments(text)));
  expect(guilty.map(([path]) => path)).toEqual(pattern === NETWORK ? ON_NETWORK : []);
});

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/^\s*\/\/.*$/gm, "");
}
