/** Import of a JavaScript module from its text. */

/** Evaluate the text as a module of the type `T` and return its exports. */
export function importText<T>(text: string): Promise<T> {
  const url = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
  return import(/* @vite-ignore */ url).finally(() => URL.revokeObjectURL(url));
}
