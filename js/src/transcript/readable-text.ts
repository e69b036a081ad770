/**
 * Preact option hook that makes the text of every component readable, also where a reader meets it
 * in an attribute.
 */

import { options, type VNode } from "preact";
import { readable } from "../readable";

const before = options.vnode;
const ATTRIBUTES = ["title", "alt", "aria-label"];

options.vnode = (vnode: VNode) => {
  // The vnode of a text has no type, and its props are the text.
  const text: unknown = vnode.props;
  if (vnode.type === null && typeof text === "string")
    (vnode as { props: unknown }).props = readable(text);
  if (typeof vnode.type === "string") {
    const props = vnode.props as Record<string, unknown>;
    for (const name of ATTRIBUTES) {
      const value = props[name];
      if (typeof value === "string") props[name] = readable(value);
    }
  }
  before?.(vnode);
};
