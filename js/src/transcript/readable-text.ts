/** Preact option hook that makes the text of every component readable. */

import { options, type VNode } from "preact";
import { readable } from "../readable";

const before = options.vnode;

options.vnode = (vnode: VNode) => {
  // The vnode of a text has no type, and its props are the text.
  const text: unknown = vnode.props;
  if (vnode.type === null && typeof text === "string") (vnode as { props: unknown }).props = readable(text);
  before?.(vnode);
};
