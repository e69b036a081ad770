/** Reading height: a finished transcript opens to its full height, with the text that the reader sees kept still. */

import type { RefObject } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { forgetDraggedHeight } from "./dragged-height";
import { scrollerOf } from "./scroll-anchor";
import { watchSight } from "./sight";

/** Height above which a transcript keeps its scroller until the reader asks for all. Pictures are to be seen, and do not count. */
const MAX_PX = 1200;
/** Height up to which a scroller grows for a picture at its end. */
const MAX_FIT_PX = 800;
/** Time without a change of height, after which a finished transcript opens: its panels have folded by then. */
const REST_MS = 1500;
/** The same time for a transcript that was finished when it was first drawn: nobody has read it yet. */
const FIRST_REST_MS = 200;
/** Movement that a reader does not notice. */
const UNNOTICED_PX = 4;
/** Duration of the transition of `.nb-settling` in frame.css, and a little more. */
const SETTLE_MS = 450;
const OPEN = "nb-whole";
const SETTLING = "nb-settling";

/**
 * Open the transcript behind `ref` to its full height once it is finished.
 *
 * @returns a function that opens it now; null unless it is too high to open by itself.
 */
export function useReadingHeight(ref: RefObject<HTMLElement | null>, finished: boolean): (() => void) | null {
  const [isLong, setLong] = useState(false);
  const [isOpen, setOpen] = useState(false);
  const wasFinished = useRef(finished).current;
  useEffect(() => {
    const log = ref.current;
    const content = log?.firstElementChild as HTMLElement | null;
    if (!log || !content || !finished || isOpen) return;
    let inSight = true;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let isWaiting = false;
    const attempt = (open: (log: HTMLElement) => boolean) => {
      if (content.offsetHeight === 0) return;
      const long = content.offsetHeight - pictureHeight(content) > MAX_PX;
      setLong(long);
      if (long) fitLastPicture(log, content);
      if (long) return;
      isWaiting = !open(log);
      if (!isWaiting) setOpen(true);
      else if (hasBlankSpace(log, content) && !log.classList.contains(SETTLING)) {
        // Slowly, because what is below comes up.
        log.classList.add(SETTLING);
        log.style.setProperty("--nb-retained-height", `${content.offsetHeight}px`);
        timer = setTimeout(rest, SETTLE_MS);
      }
    };
    const rest = () => {
      clearTimeout(timer);
      if (wasFinished) timer = setTimeout(() => attempt(openDownwards), FIRST_REST_MS);
      else timer = setTimeout(() => attempt(inSight ? openUnnoticed : openAtPlace), REST_MS);
    };
    // A transcript that could not open unnoticed opens while the reader scrolls.
    const onScroll = ({ target }: Event) => {
      if (isWaiting && target instanceof Node && target.contains(log)) attempt(openAtPlace);
    };
    const sizes = new ResizeObserver(rest);
    sizes.observe(content);
    const stopWatching = watchSight(log, (seen) => {
      inSight = seen;
      if (!seen && isWaiting) attempt(openAtPlace);
    });
    window.addEventListener("scroll", onScroll, { capture: true, passive: true });
    rest();
    return () => {
      clearTimeout(timer);
      sizes.disconnect();
      stopWatching();
      window.removeEventListener("scroll", onScroll, { capture: true });
    };
  }, [ref, finished, isOpen, wasFinished]);
  if (!isLong || isOpen) return null;
  return () => {
    if (ref.current) {
      forgetDraggedHeight(ref.current);
      openAtPlace(ref.current);
    }
    setOpen(true);
  };
}

function pictureHeight(content: HTMLElement): number {
  let sum = 0;
  for (const picture of content.querySelectorAll<HTMLElement>(".nb-picture")) sum += picture.offsetHeight;
  return sum;
}

/** Make the scroller high enough for the picture at its end, and keep that where it is. */
function fitLastPicture(log: HTMLElement, content: HTMLElement): void {
  const picture = [...content.querySelectorAll(".nb-picture")].at(-1)?.getBoundingClientRect();
  const { bottom } = content.getBoundingClientRect();
  const atEnd = log.scrollHeight - log.clientHeight - log.scrollTop <= UNNOTICED_PX;
  if (!picture || !atEnd || bottom - picture.bottom > log.clientHeight) return;
  const missing = Math.ceil(bottom - picture.top - log.clientHeight);
  if (missing <= 0 || missing + log.clientHeight > MAX_FIT_PX) return;
  log.style.setProperty("--nb-most", `${log.clientHeight + missing}px`);
  log.scrollTop = log.scrollHeight;
  scrollPage(log, missing);
}

function openDownwards(log: HTMLElement): true {
  log.classList.add(OPEN);
  return true;
}

/** Open the transcript, and scroll the page so that the text stays where it is, as far as the page scrolls. */
function openAtPlace(log: HTMLElement): true {
  const above = log.scrollTop;
  log.classList.add(OPEN);
  scrollPage(log, above);
  return true;
}

/** Scroll the page after the transcript has grown. Out of sight, the page is kept still by its scroll anchor. */
function scrollPage(log: HTMLElement, by: number): void {
  const page = pageOf(log);
  const { top, bottom } = log.getBoundingClientRect();
  const window = rangeOf(page);
  if (by > 0 && bottom > window.top && top < window.bottom) page.scrollTop += by;
}

function hasBlankSpace(log: HTMLElement, content: HTMLElement): boolean {
  return log.clientHeight - content.offsetHeight > UNNOTICED_PX;
}

/** Open the transcript if neither its last lines nor what is below them move; return false if they would. */
function openUnnoticed(log: HTMLElement): boolean {
  const page = pageOf(log);
  const window = rangeOf(page);
  const bottom = log.getBoundingClientRect().bottom;
  const viewTop = log.closest(".nbagent")?.getBoundingClientRect().top ?? 0;
  if (viewTop >= window.top && bottom > window.bottom) {
    // Its end is out of sight: it grows there.
    return openDownwards(log);
  }
  const [top, pageTop] = [log.scrollTop, page.scrollTop];
  if (log.scrollHeight - log.clientHeight - top > UNNOTICED_PX) return false;
  openAtPlace(log);
  if (Math.abs(log.getBoundingClientRect().bottom - bottom) <= UNNOTICED_PX) return true;
  log.classList.remove(OPEN);
  log.scrollTop = top;
  page.scrollTop = pageTop;
  return false;
}

function pageOf(log: HTMLElement): Element {
  return scrollerOf(log) ?? document.scrollingElement ?? document.documentElement;
}

/** The part of the window in which the page's scroller shows its content. */
function rangeOf(page: Element): { top: number; bottom: number } {
  if (page === document.scrollingElement) return { top: 0, bottom: window.innerHeight };
  const { top, bottom } = page.getBoundingClientRect();
  return { top: Math.max(0, top), bottom: Math.min(window.innerHeight, bottom) };
}
