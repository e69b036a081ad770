/** A text that grows. Its parts are handed on as they come and joined only when somebody asks for the whole. */

export interface TextListener {
  append(text: string): void;
  replace(text: string): void;
}

export class TextStream {
  #parts: string[];
  #news = "";
  #replaced = false;
  readonly #listeners = new Set<TextListener>();

  constructor(text = "") {
    this.#parts = text === "" ? [] : [text];
  }

  get text(): string {
    if (this.#parts.length > 1) this.#parts = [this.#parts.join("")];
    return this.#parts[0] ?? "";
  }

  append(text: string): void {
    if (text === "") return;
    this.#parts.push(text);
    this.#news += text;
  }

  replace(text: string): void {
    const current = this.text;
    if (text.startsWith(current)) {
      this.append(text.slice(current.length));
      return;
    }
    this.#parts = [text];
    this.#news = text;
    this.#replaced = true;
  }

  /** Tells the listeners what came since the last call, as one piece. */
  flush(): void {
    const news = this.#news;
    const replaced = this.#replaced;
    this.#news = "";
    this.#replaced = false;
    if (news === "" && !replaced) return;
    for (const listener of this.#listeners) {
      if (replaced) listener.replace(news);
      else listener.append(news);
    }
  }

  /** Hands over the whole text now, and every later change. Returns the way to unsubscribe. */
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
