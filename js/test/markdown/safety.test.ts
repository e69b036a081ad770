/** Safety of untrusted Markdown, HTML, TeX and URLs: nothing runs, nothing is fetched. */

import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { htmlToDom } from "../../src/markdown/sanitize";
import { safeUrl } from "../../src/markdown/url";
import { sample } from "./figures";
import { corpus, drawn, plainView, stopClock } from "./support";

const FORBIDDEN = new Set(
  "script iframe frame frameset object embed applet form style meta base link svg math template".split(
    " ",
  ),
);
const URL_ATTRS = [
  "href",
  "src",
  "action",
  "formaction",
  "srcset",
  "poster",
  "background",
  "xlink:href",
  "ping",
  "cite",
];
const ALLOWED_URL = /^(?:https?:\/\/|mailto:|data:image\/(?:png|jpeg|gif|webp);base64,)/;

/** Everything that is wrong with a drawn tree. */
function faults(root: ParentNode): string[] {
  const found: string[] = [];
  for (const node of root.querySelectorAll("*")) {
    if (FORBIDDEN.has(node.localName)) found.push(`element ${node.localName}`);
    for (const name of node.getAttributeNames()) {
      const value = node.getAttribute(name) ?? "";
      if (/^on/i.test(name)) found.push(`handler ${name}`);
      if (["id", "name", "srcdoc", "is", "slot"].includes(name)) found.push(`attribute ${name}`);
      if (URL_ATTRS.includes(name) && !ALLOWED_URL.test(value)) found.push(`${name}=${value}`);
      // Nothing may be fetched: a remote URL only ever stands in a link.
      if (URL_ATTRS.includes(name) && /^https?:/.test(value) && node.localName !== "a")
        found.push(`fetches ${value}`);
      if (
        name === "style" &&
        /url|expression|@import|image-set|gradient|behavior|position|var\(/i.test(value)
      )
        found.push(value);
    }
    if (node.localName === "a" && node.getAttribute("rel") !== "noopener noreferrer nofollow")
      found.push("bare link");
  }
  return found;
}

const payloads = [
  ...corpus<{ payload: string }[]>("xss/dompurify_expect.json"),
  ...corpus<{ payload: string }[]>("xss/h5sc.json"),
].map(({ payload }) => payload);
const notebook = corpus<{ cells: { source: string[] }[] }>("xss/jupyter_notebook_xss.ipynb.json");
payloads.push(...notebook.cells.map(({ source }) => source.join("")));

beforeEach(stopClock);
afterEach(() => void vi.useRealTimers());

describe("attack corpora", () => {
  test("hold 373 payloads", () => {
    expect(payloads.length).toBe(373);
  });

  test("the oracle sees what it is there to see", () => {
    const bad = document.createElement("div");
    const link = document.createElement("a");
    link.setAttribute("href", "javascript:alert(1)");
    link.setAttribute("onclick", "alert(1)");
    const picture = document.createElement("img");
    picture.setAttribute("src", "https://evil.example/x.png");
    bad.append(link, picture, document.createElement("script"));
    expect(faults(bad)).toHaveLength(5);
  });

  test("as Markdown, at every prefix of the short ones", () => {
    for (const payload of sample(payloads, 15)) {
      const view = plainView();
      for (const char of payload.length < 1000 ? payload : [payload]) {
        view.append(char);
        const found = faults(view.node);
        if (found.length > 0) expect.fail(`${found.join("; ")} in ${payload}`);
      }
      view.finish();
      expect(faults(view.node), payload).toEqual([]);
    }
  });

  test("as the destination of links, pictures, definitions and autolinks", () => {
    for (const payload of payloads) {
      const url = payload.replaceAll("\n", " ");
      const text = `[a](${url}) ![b](${url}) [c](<${url}>) <${url}> [d]\n\n[d]: <${url}>\n`;
      expect(faults(drawn(text)), text).toEqual([]);
    }
  });

  test("as HTML, whole and at every prefix of the short ones", () => {
    const short = new Set(sample(payloads, 15));
    for (const payload of payloads) {
      const least = payload.length < 250 && short.has(payload) ? 1 : payload.length;
      for (let length = least; length <= payload.length; length++) {
        const found = faults(htmlToDom(payload.slice(0, length)));
        if (found.length > 0) expect.fail(`${found.join("; ")} in ${payload.slice(0, length)}`);
      }
    }
  });
});

describe("URLs", () => {
  const lists = corpus<{ list: string; kind: string; expect: string; urls: string[] }[]>(
    "urls/rehype_harden_urls.json",
  );

  test("of the hardening corpus: what can run, read files or hide its host is no link", () => {
    const urls = lists.flatMap((list) => list.urls);
    expect(urls.length).toBe(48);
    const followed = new Set(urls.filter((url) => safeUrl(url) !== null));
    // These lead to the host they show. The corpus blocks them by an allow-list of sites, which is
    // not our policy.
    expect([...followed].sort()).toEqual([
      "https://github.com.evil.com",
      "https://trusted.com.evil.com/image.jpg",
    ]);
    for (const url of urls) expect(faults(drawn(`[x](<${url}>) ![y](<${url}>)`))).toEqual([]);
  });

  test.each([
    "http://a.example/",
    "https://a.example:8443/p?q=1#f",
    "HTTPS://A.example",
    "mailto:a@b.example?subject=x",
    "https://xn--mnchen-3ya.example/",
  ])("%s may be followed", (url) => {
    expect(safeUrl(url)).toBe(url);
  });

  test.each([
    "javascript:alert(1)",
    "java\tscript:alert(1)",
    "vbscript:x",
    "data:text/html,x",
    "blob:https://a.example/1",
    "file:///etc/passwd",
    "//a.example/x",
    "/tree",
    "x.md",
    "#top",
    "https:a.example",
    "https://user@a.example",
    "https://user:pw@a.example",
    "https://a.example%2eevil.example",
    "https://a.example\\@evil.example",
    "https://a.example/\u202egpj.exe",
    "https://a\u200b.example/",
    "https://",
    "mailto:a@b.example\u0000",
  ])("%j may not be followed", (url) => {
    expect(safeUrl(url)).toBeNull();
  });

  test("a link that may not be followed is text with its URL, and what cannot be seen is written out", () => {
    expect(drawn("[tree](/tree)").textContent).toBe("tree (/tree)");
    expect(drawn("[x](javascript:alert%281%29)").textContent).toBe("x (javascript:alert%281%29)");
    expect(
      drawn("[x](https://a.example/&#x202e;gpj)").querySelector("a")?.getAttribute("href"),
    ).toBe("https://a.example/%E2%80%AEgpj");
    expect(drawn("<about:blank>").innerHTML).toBe("<p>about:blank</p>");
  });

  test("a remote picture is a link with its host, one held in its URL is drawn, up to 1 MB", () => {
    const remote = drawn("![chart](https://evil.example/c.png?leak=1)");
    expect(remote.querySelector("img")).toBeNull();
    expect(remote.querySelector("a")?.textContent).toBe("image: chart (evil.example)");
    const pixel = "data:image/png;base64,iVBORw0KGgo=";
    expect(drawn(`![dot](${pixel})`).querySelector("img")?.getAttribute("src")).toBe(pixel);
    expect(
      drawn(`![dot](data:image/png;base64,${"A".repeat(1_000_000)})`).querySelector("img"),
    ).toBeNull();
    expect(drawn("![dot](data:image/svg+xml;base64,PHN2Zz4=)").querySelector("img")).toBeNull();
  });

  test("links never nest", () => {
    const node = drawn("[![logo](https://a.example/l.png)](https://b.example/)");
    expect(node.querySelectorAll("a")).toHaveLength(1);
    expect(node.textContent).toBe("image: logo (a.example)");
  });
});

describe("htmlToDom", () => {
  function html(source: string): string {
    const holder = document.createElement("div");
    holder.append(htmlToDom(source));
    return holder.innerHTML;
  }

  test("keeps a DataFrame's table", () => {
    const frame =
      '<table border="1" class="dataframe"><thead><tr style="text-align: right;"><th></th><th>a</th></tr></thead>' +
      '<tbody><tr><th>0</th><td colspan="2">1</td></tr></tbody></table><p>1 rows × 1 columns</p>';
    expect(html(`<div><style scoped>.dataframe{color:red}</style>${frame}</div>`)).toBe(
      // A header cell that says nothing is none, to who listens to the page.
      `<div>${frame.replace(' border="1"', "").replace("<th></th>", "<td></td>")}</div>`,
    );
  });

  test("keeps the inline colours of a styled frame and nothing that can fetch, cover or run", () => {
    expect(
      html(
        '<td-x><p id="a" name="b" class="nb-stop data row0" onclick="x()" style="color: red; background-color: rgb(1, 2, 3); ' +
          'background-image: url(https://evil.example); position: fixed; width: 10px">t</p></td-x>',
      ),
    ).toBe(
      '<p style="color: red; background-color: rgb(1, 2, 3); width: 10px;" class="data row0">t</p>',
    );
  });

  test("a link keeps a safe URL and becomes a span without one; a remote picture becomes a link", () => {
    const rel = 'target="_blank" rel="noopener noreferrer nofollow"';
    expect(html('<a href="https://a.example">x</a><a href="/lab">y</a>')).toBe(
      `<a href="https://a.example" ${rel}>x</a><span>y</span>`,
    );
    expect(html('<img src="https://a.example/p.png" alt="p" onerror="x()">')).toBe(
      `<a class="nb-image" href="https://a.example/p.png" ${rel}>image: p (a.example)</a>`,
    );
  });

  test("unknown elements give way to their text, dangerous ones vanish", () => {
    expect(
      html(
        "<font>a</font><script>b</script><section>c<svg><text>d</text></svg></section><form>e</form>",
      ),
    ).toBe("ac");
  });

  test("is bounded in depth and number", () => {
    expect(htmlToDom("<div>".repeat(300)).querySelectorAll("div").length).toBe(100);
    const many = htmlToDom("<br>".repeat(20_100));
    expect(many.childNodes.length).toBe(20_001);
    expect(many.textContent).toBe("…");
  });
});
