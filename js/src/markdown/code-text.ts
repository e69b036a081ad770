/**
 * Text of a code block, in boxes of whole lines, so that the browser lays out only the box that
 * grows.
 */

import { commonLength } from "./dom";

/** Characters after which a box ends with its line. */
export const BOX_CHARS = 4_000;

/** Plain text that grows at its end, in an element that holds nothing else but a caret. */
export class CodeText {
  private readonly boxes: Text[] = [];
  private last: Text;

  /**
   * @param root - the empty element to write into. Short code is a text node in it, without a box.
   */
  constructor(root: HTMLElement) {
    this.last = this.begin(root);
  }

  /** The element that the text ends in. */
  get end(): HTMLElement | null {
    return this.last.parentElement;
  }

  /** Add text to the end. A node behind the text, such as a caret, stays behind it. */
  append(text: string): void {
    for (let from = 0; from < text.length; ) {
      if (this.last.length >= BOX_CHARS && this.last.data.endsWith("\n")) this.addBox();
      const newline = text.indexOf("\n", from + Math.max(0, BOX_CHARS - 1 - this.last.length));
      const end = newline < 0 ? text.length : newline + 1;
      this.last.appendData(text.slice(from, end));
      from = end;
    }
  }

  /**
   * Replace the text. Characters that are the same at its start are not touched, so that a
   * selection there survives.
   */
  replace(text: string): void {
    let known = 0;
    for (const [index, box] of this.boxes.entries()) {
      const same = commonLength(box.data, text.slice(known, known + box.length));
      known += same;
      if (same === box.length) continue;
      box.deleteData(same, box.length - same);
      for (const { parentElement } of this.boxes.splice(index + 1)) parentElement?.remove();
      this.last = box;
      break;
    }
    this.append(text.slice(known));
  }

  private begin(parent: HTMLElement): Text {
    const text = document.createTextNode("");
    parent.append(text);
    this.boxes.push(text);
    return text;
  }

  private addBox(): void {
    const box = document.createElement("span");
    const behind = this.last.nextSibling;
    box.className = "nb-code-box";
    (this.boxes.length > 1 ? this.end : this.last)?.after(box);
    this.last = this.begin(box);
    if (behind) box.append(behind);
  }
}
