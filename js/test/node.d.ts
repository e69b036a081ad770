/** The little of Node that the tests use. */

declare module "node:fs" {
  export function appendFileSync(path: string, text: string): void;
  export function mkdirSync(path: string, options: { recursive: boolean }): void;
}

declare module "node:stream/web" {
  export const DecompressionStream: unknown;
}

declare module "node:zlib" {
  export function gzipSync(text: string): Uint8Array;
}

declare const process: { env: Record<string, string | undefined> };

interface ImportMeta {
  readonly dirname: string;
}
