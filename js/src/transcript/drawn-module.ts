/**
 * Lazy modules that draw. They are bound to this bundle's preact, because two copies of it do not
 * work together.
 */

import type { LazyModule, ModuleName } from "../modules";
import type { Session } from "../session";
import { SHARED_RUNTIME } from "../shared-runtime";

const bound = new Map<ModuleName, Promise<LazyModule>>();

/**
 * Return the exports of a module that draws. A failure is not kept: the next caller tries again.
 */
export function loadDrawn(session: Session, name: ModuleName): Promise<LazyModule> {
  let module = bound.get(name);
  if (module === undefined) {
    module = session
      .loadModule(name)
      .then((made) => made.default((library: string) => SHARED_RUNTIME[library]));
    bound.set(name, module);
    module.catch(() => bound.delete(name));
  }
  return module;
}
