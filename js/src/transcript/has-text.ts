/**
 * Hook that returns true once a text has begun, or is long. It redraws once, not for every piece of
 * the text.
 */

import { useEffect, useState } from "preact/hooks";
import type { TextStream } from "../text-stream";

export function useHasText(stream: TextStream, moreThan = 0): boolean {
  const [hasText, setHasText] = useState(stream.text.length > moreThan);
  useEffect(() => {
    let length = 0;
    return stream.subscribe({
      append(text) {
        length += text.length;
        setHasText(length > moreThan);
      },
      replace(text) {
        length = text.length;
        setHasText(length > moreThan);
      },
    });
  }, [stream, moreThan]);
  return hasText;
}
