/** Hook that returns true once a text has begun. It redraws once, not for every piece of the text. */

import { useEffect, useState } from "preact/hooks";
import type { TextStream } from "../text-stream";

export function useHasText(stream: TextStream): boolean {
  const [hasText, setHasText] = useState(stream.text !== "");
  useEffect(
    () =>
      stream.subscribe({
        append: () => setHasText(true),
        replace: (text) => setHasText(text !== ""),
      }),
    [stream],
  );
  return hasText;
}
