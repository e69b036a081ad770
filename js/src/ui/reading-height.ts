/**
 * Reading height: a finished transcript is folded and open to its full height, with what the reader
 * looks at kept still.
 */

import type { RefObject } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { forgetDraggedHeight } from "./dragged-height";
import { keepStill, type Place, placeOf, UNNOTICED_PX } from "./reading-place";

/**
 * Height above which a transcript keeps its scroller until the reader asks for all. Pictures are to
 * be seen, and do not count.
 */
const MAX_PX = 1200;
/** Height up to which a scroller grows for a picture at its end. */
const MAX_FIT_PX = 800;
/** The transcript is as high as its content. */
const WHOLE = "nb-whole";
/** Its panels fold without a transition. */
const AT_ONCE = "nb-at-once";
/** The space that they leave blank goes away slowly, because what is below comes up. */
const SETTLING = "nb-settling";

/**
 * Open the transcript behind `ref` to its full height once it is finished.
 *
 * @param finished - nothing more comes. In the redraw in which this becomes true, panels fold.
 * @param opens - false for a transcript that stays a scroller.
 * @returns a function that opens it now; null unless it is too high to open by itself.
 */
export function useReadingHeight(
  ref: RefObject<HTMLElement | null>,
  finished: boolean,
  opens: boolean,
): (() => void) | null {
  const [isLong, setLong] = useState(false);
  const [asked, setAsked] = useState(false);
  const wasFinished = useRef(finished);
  const place = useRef<Place | null>(null);
  // The page shows the panels as they were until this redraw has reached them.
  if (finished && !wasFinished.current && ref.current) place.current = placeOf(ref.current);
  wasFinished.current = finished;

  useLayoutEffect(() => {
    const log = ref.current;
    const content = log?.firstElementChild as HTMLElement | null;
    if (!log || !content || !finished) return;
    const arrange = (before = placeOf(log)) => {
      const long = content.offsetHeight - pictureHeight(content) > MAX_PX;
      const isDrawn = content.offsetHeight > 0;
      if (opens && isDrawn) {
        setLong(long);
        log.classList.toggle(WHOLE, asked || !long);
      }
      if (before) keepStill(log, before);
      if (opens && long && !asked) fitLastPicture(log, content);
    };
    const was = place.current ?? undefined;
    place.current = null;
    log.classList.add(AT_ONCE);
    // After the redraw, and before the page is painted.
    queueMicrotask(() => {
      // A transition that nobody sees has the page drawn 24 times: a tenth of a short answer's cost.
      const blank = log.clientHeight - content.offsetHeight;
      log.classList.toggle(SETTLING, opens && blank > UNNOTICED_PX);
      arrange(was);
      log.classList.remove(AT_ONCE);
    });

    // What is loaded later counts; what the reader unfolds makes no scroller of an open transcript.
    const frame = log.closest(".nb-frame");
    let isTouched = false;
    const touch = () => {
      isTouched = true;
    };
    for (const input of ["pointerdown", "keydown"]) frame?.addEventListener(input, touch);
    // Not in the observer's callback: what changes a size there is an error event of the page.
    const sizes = new ResizeObserver(() => requestAnimationFrame(() => isTouched || arrange()));
    sizes.observe(content);
    return () => {
      sizes.disconnect();
      for (const input of ["pointerdown", "keydown"]) frame?.removeEventListener(input, touch);
      isTouched = true;
      if (opens) log.classList.remove(WHOLE, SETTLING);
    };
  }, [ref, finished, opens, asked]);

  if (!finished || !isLong || asked) return null;
  return () => {
    if (ref.current) {
      place.current = placeOf(ref.current);
      forgetDraggedHeight(ref.current);
    }
    setAsked(true);
  };
}

function pictureHeight(content: HTMLElement): number {
  let sum = 0;
  for (const picture of content.querySelectorAll<HTMLElement>(".nb-picture"))
    sum += picture.offsetHeight;
  return sum;
}

/** Make the scroller high enough for the picture at its end, and keep that where it is. */
function fitLastPicture(log: HTMLElement, content: HTMLElement): void {
  const picture = [...content.querySelectorAll(".nb-picture")].at(-1)?.getBoundingClientRect();
  const { bottom } = content.getBoundingClientRect();
  const isAtEnd = log.scrollHeight - log.clientHeight - log.scrollTop <= UNNOTICED_PX;
  if (!picture || !isAtEnd || bottom - picture.bottom > log.clientHeight) return;
  const missing = Math.ceil(bottom - picture.top - log.clientHeight);
  if (missing <= 0 || missing + log.clientHeight > MAX_FIT_PX) return;
  const place = placeOf(log);
  log.style.setProperty("--nb-most", `${log.clientHeight + missing}px`);
  if (place) keepStill(log, place);
  log.scrollTop = log.scrollHeight;
}
