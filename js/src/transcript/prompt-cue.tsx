/**
 * One line on top of the scroller: the user's message that what is in sight answers, while it is
 * scrolled out of sight itself.
 */

import type { RefObject } from "preact";
import { useEffect, useState } from "preact/hooks";
import { prompted as LABELS } from "../../../nbagent/protocol/labels.json";
import { type BlockList, isKind } from "../store";
import { clip } from "../values";

const CUE_CHARS = 200;
/** Height of `.nb-cue` in controls.css: what is behind the line is out of sight. */
const CUE_PX = 27;
/** Distance from the scroller's top at which a message stands that the reader goes to. */
const MARGIN_PX = CUE_PX + 8;

interface Above {
  text: string;
  /** The message, or the box that stands for its part of the transcript. */
  target: Element;
}

export function PromptCue({
  scroller,
  list,
}: {
  scroller: RefObject<HTMLElement | null>;
  list: BlockList;
}) {
  const [above, setAbove] = useState<Above | null>(null);
  useEffect(() => {
    const log = scroller.current;
    if (!log) return;
    const look = () => {
      const found = promptAbove(log, list);
      setAbove((before) =>
        before?.target === found?.target && before?.text === found?.text ? before : found,
      );
    };
    const sizes = new ResizeObserver(look);
    sizes.observe(log);
    log.addEventListener("scroll", look, { passive: true });
    return () => {
      sizes.disconnect();
      log.removeEventListener("scroll", look);
    };
  }, [scroller, list]);
  if (above === null) return null;
  const go = () => {
    const log = scroller.current;
    if (log)
      log.scrollTop +=
        above.target.getBoundingClientRect().top - log.getBoundingClientRect().top - MARGIN_PX;
  };
  return (
    <button type="button" class="nb-cue" title={LABELS.go_to} onClick={go}>
      <span class="nb-sr">{LABELS.you}: </span>
      {above.text}
    </button>
  );
}

/** The last message that ends above the scroller's part in sight; null if there is none. */
function promptAbove(log: HTMLElement, list: BlockList): Above | null {
  const top = log.getBoundingClientRect().top + CUE_PX;
  if (log.scrollTop === 0) return null;
  const boxes = log.firstElementChild?.children;
  const pages = list.pages.peek();
  for (let index = pages.length - 1; index >= 0; index -= 1) {
    const prompts = (pages[index]?.peek() ?? []).filter(
      (block) => isKind(block, "prompt") && block.props.peek().replaced !== true,
    );
    const box = prompts.length > 0 ? boxes?.[index] : undefined;
    if (box === undefined) continue;
    const drawn = box.querySelectorAll(":scope > .nb-prompt");
    for (const [number, prompt] of [...prompts.entries()].reverse()) {
      const target = drawn[number] ?? box;
      if (target.getBoundingClientRect().bottom > top) continue;
      return { text: clip(prompt.stream("text").text.trim(), CUE_CHARS) || LABELS.picture, target };
    }
  }
  return null;
}
