/** Lazy parts: what is too big to travel with its block is read from the kernel when somebody looks, page after page. */

import type { Part, ViewMessage } from "./messages";

/** One page of a text. `at` and `size` count characters as the kernel does: a pair of surrogates is one. */
export interface Page {
  at: number;
  /** Where the next page starts. */
  end: number;
  size: number;
  text: string;
}

/** How long the kernel may take for a page before it is asked again; twice as long each time. */
const PATIENCE_MS = 3000;
const TRIES = 5;

interface Request {
  page: Promise<Page>;
  resolve(page: Page): void;
  reject(error: Error): void;
  ask(): void;
  timer?: ReturnType<typeof setTimeout>;
}

export class Parts {
  readonly #send: (message: ViewMessage) => void;
  readonly #requests = new Map<string, Request>();
  #unavailable: string | null = null;

  constructor(send: (message: ViewMessage) => void) {
    this.#send = send;
  }

  /** The page of the named part that starts at this character. One request is shared by all who ask while it is under way. */
  page(name: string, at = 0): Promise<Page> {
    const key = `${at} ${name}`;
    const underWay = this.#requests.get(key);
    if (underWay) return underWay.page;
    if (this.#unavailable !== null) return Promise.reject(new Error(this.#unavailable));
    let tries = 0;
    const { promise, resolve, reject } = withResolvers<Page>();
    const request: Request = {
      page: promise,
      resolve,
      reject,
      ask: () => {
        clearTimeout(request.timer);
        if (tries === TRIES) return this.#settle(key)?.reject(new Error("no answer from the kernel"));
        this.#send({ t: "need", name, at });
        request.timer = setTimeout(request.ask, PATIENCE_MS * 2 ** tries++);
      },
    };
    this.#requests.set(key, request);
    request.ask();
    return promise;
  }

  /** The named part from its first to its last character. Rejects at once if it has more than `limit` characters. */
  async whole(name: string, limit = Number.POSITIVE_INFINITY): Promise<string> {
    const texts: string[] = [];
    for (let at = 0; ; ) {
      const { text, end, size } = await this.page(name, at);
      if (size > limit) throw new Error(`${size} characters are too many to show here`);
      texts.push(text);
      if (end >= size) return texts.join("");
      if (end === at) throw new Error("it changed while it was read");
      at = end;
    }
  }

  receive({ name, at, text, size, error }: Part): void {
    const request = this.#settle(`${at} ${name}`);
    if (text === null) request?.reject(new Error(error ?? ""));
    else request?.resolve({ at, end: at + characters(text), size, text });
  }

  /** Asks again for all that is under way, at once. */
  resume(): void {
    this.#unavailable = null;
    for (const { ask } of this.#requests.values()) ask();
  }

  /** From now on nothing can be had; `why` is what those who ask are told. */
  fail(why: string): void {
    this.#unavailable = why;
    for (const key of [...this.#requests.keys()]) this.#settle(key)?.reject(new Error(why));
  }

  #settle(key: string): Request | undefined {
    const request = this.#requests.get(key);
    clearTimeout(request?.timer);
    this.#requests.delete(key);
    return request;
  }
}

function characters(text: string): number {
  return text.length - (text.match(/[\ud800-\udbff][\udc00-\udfff]/g)?.length ?? 0);
}

function withResolvers<T>(): { promise: Promise<T>; resolve: (value: T) => void; reject: (error: Error) => void } {
  let resolve!: (value: T) => void;
  let reject!: (error: Error) => void;
  const promise = new Promise<T>((onValue, onError) => {
    resolve = onValue;
    reject = onError;
  });
  return { promise, resolve, reject };
}
