/**
 * Stream of a text that grows. Pieces are passed to listeners as they come, and joined only when
 * `text` is read.
 */

export interface TextListener {
  append(text: string): void;
  replace(text: string): void;
}

export class TextStream {
  #pieces: string[];
  #pending = "";
  #replaced = false;
  readonly #listeners = new Set<TextListener>();

  constructor(text = "") {
    this.#pieces = text === "" ? [] : [text];
  }

  get text(): string {
    if (this.#pieces.length > 1) this.#pieces = [this.#pieces.join("")];
    return this.#pieces[0] ?? "";
  }

  append(text: string): void {
    if (text === "") return;
    this.#pieces.push(text);
    this.#pending += text;
  }

  replace(text: string): void {
    const current = this.text;
    if (text.startsWith(current)) {
      this.append(text.slice(current.length));
      return;
    }
    this.#pieces = [text];
    this.#pending = text;
    this.#replaced = true;
  }

  /** Pass the text since the last call to the listeners, as one piece. */
  flush(): void {
    const pending = this.#pending;
    const replaced = this.#replaced;
    this.#pending = "";
    this.#replaced = false;
    if (pending === "" && !replaced) return;
    for (const listener of this.#listeners) {
      if (replaced) listener.replace(pending);
      else listener.append(pending);
    }
  }

  /** Pass the whole text now, then every change. Return a function that unsubscribes. */
  subscribe(listener: TextListener): () => void {
    this.flush();
    if (this.text !== "") listener.append(this.text);
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  get listenerCount(): number {
    return this.#listeners.size;
  }
}
