/** Context of the fields of a form. */

import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { Path } from "./check";
import type { Json } from "./json";
import { Schemas } from "./schema";

export interface FormState {
  schemas: Schemas;
  /**
   * Return the problem of the value at a path, in words; null if there is none, or nothing was
   * typed there yet.
   */
  problemAt(path: Path, value: Json | undefined): string | null;
  /**
   * True of an answer that the reader writes, false of arguments that are given: then all members
   * of the whole are drawn with their descriptions, also those that may be left out and are, and
   * Enter in a text sends the form.
   */
  startsEmpty: boolean;
  /** Choices of the reader, by path: alternatives, fields that are written as JSON. */
  choices: Map<string, unknown>;
}

export const FormContext = createContext<FormState>({
  schemas: new Schemas(null),
  problemAt: () => null,
  startsEmpty: false,
  choices: new Map(),
});

export const useForm = () => useContext(FormContext);

export const keyOf = (path: Path) => JSON.stringify(path);

export interface FieldProps {
  schema: Record<string, unknown>;
  /** Undefined while there is none. */
  value: Json | undefined;
  path: Path;
  onChange(value: Json): void;
}

/** Props of the control of a field: its label and its problem belong to it. */
export interface ControlProps extends FieldProps {
  id: string;
  describedBy: string | undefined;
  invalid: boolean;
}
