/** A picture that opens large, over the page. */

import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { adoptStyle } from "../style";

interface EnlargedProps {
  src: string;
  alt: string;
  onClose: () => void;
}

/**
 * The picture in a dialog of its own: as large as the window, or in its own size, to be scrolled.
 * Escape closes it.
 */
export function Enlarged({ src, alt, onClose }: EnlargedProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [natural, setNatural] = useState(false);
  // In the page's top layer, which nothing around the view clips; the browser keeps the focus in it
  // and gives it back.
  useLayoutEffect(() => {
    if (!dialog.current) return;
    adoptStyle(dialog.current);
    dialog.current.showModal();
  }, []);
  const close = () => dialog.current?.close();
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: Escape and the button do the same
    <dialog
      ref={dialog}
      class={natural ? "nb-lightbox nb-natural" : "nb-lightbox"}
      aria-label={alt || "Picture"}
      onClose={onClose}
      onClick={({ target, currentTarget }) => target === currentTarget && close()}
    >
      <div class="nb-actions">
        <button
          type="button"
          class="nb-button"
          aria-pressed={natural}
          onClick={() => setNatural(!natural)}
        >
          Actual size
        </button>
        <button type="button" class="nb-button" onClick={close}>
          Close
        </button>
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scroller needs the keyboard */}
      <div class="nb-lightbox-picture" tabIndex={0}>
        <img src={src} alt={alt} />
      </div>
    </dialog>
  );
}
