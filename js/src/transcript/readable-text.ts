/** A hook into preact through which every text that a component draws passes, so that none is shown unread. */

import { options, type VNode } from "preact";
import { readable } from "../readable";

const before = options.vnode;

options.vnode = (vnode: VNode) => {
  // A text has no type, and itself in place of props.
  const text: unknown = vnode.props;
  if (vnode.type === null && typeof text === "string") (vnode as { props: unknown }).props = readable(text);
  before?.(vnode);
};
