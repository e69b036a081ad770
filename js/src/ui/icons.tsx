/**
 * Line icons on a 16 × 16 grid, in the colour of the text. Decorative: a label always has the same
 * meaning.
 */

import type { ComponentChildren } from "preact";

const SHAPES = {
  thought: <path d="M8 1.8l1.5 4.2 4.2 1.5-4.2 1.5L8 13.2 6.5 9 2.3 7.5 6.5 6z" />,
  chevron: <path d="M6 4l4 4-4 4" />,
  check: <path d="M3 8.5l3.2 3.2L13 5" />,
  todo: <circle cx="8" cy="8" r="5.6" />,
  cross: <path d="M4 4l8 8M12 4l-8 8" />,
  spinner: <path d="M8 2a6 6 0 1 1-5.6 3.8" />,
  warning: (
    <>
      <path d="M8 2.2L14.2 13.4H1.8z" />
      <path d="M8 6.6v3M8 11.5v.1" />
    </>
  ),
  info: (
    <>
      <circle cx="8" cy="8" r="6" />
      <path d="M8 7.4v3.6M8 5v.1" />
    </>
  ),
  denied: (
    <>
      <circle cx="8" cy="8" r="5.6" />
      <path d="M4.2 11.8l7.6-7.6" />
    </>
  ),
  stop: <rect x="4" y="4" width="8" height="8" rx="1.5" fill="currentColor" />,
  agent: (
    <>
      <circle cx="8" cy="5.2" r="2.7" />
      <path d="M2.8 14c.6-3 2.6-4.4 5.2-4.4s4.6 1.4 5.2 4.4" />
    </>
  ),
  handoff: <path d="M2.5 8h10.5M9.5 4.5L13 8l-3.5 3.5" />,
  link: (
    <>
      <path d="M6.7 9.3a2.6 2.6 0 0 0 3.7 0l2.3-2.3A2.6 2.6 0 0 0 9 3.3l-.8.8" />
      <path d="M9.3 6.7a2.6 2.6 0 0 0-3.7 0L3.3 9A2.6 2.6 0 0 0 7 12.7l.8-.8" />
    </>
  ),
  file: <path d="M4 1.8h5l3 3v9.4H4zM9 1.8v3h3" />,
  braces: (
    <path d="M6 2.5c-3 0-.5 4.5-3 5.5 2.5 1 0 5.5 3 5.5M10 2.5c3 0 .5 4.5 3 5.5-2.5 1 0 5.5-3 5.5" />
  ),
  more: <path d="M3 8h.1M8 8h.1M13 8h.1" />,
  down: <path d="M8 3v9.5M4.2 8.8L8 12.6l3.8-3.8" />,
  step: <path d="M2.5 7.5a5.6 5.6 0 0 1 10.6-1.2M13.5 2.5v4h-4M8 12.2v.1" />,
  copy: <path d="M5.5 5.5h7.5v8H5.5zM3 10.5v-8h7.5" />,
} satisfies Record<string, ComponentChildren>;

export type IconName = keyof typeof SHAPES;

export function Icon({ name, tone = "" }: { name: IconName; tone?: string }) {
  return (
    <svg
      class={`nb-icon nb-icon-${name} ${tone && `nb-${tone}`}`}
      viewBox="0 0 16 16"
      aria-hidden="true"
    >
      {SHAPES[name]}
    </svg>
  );
}
