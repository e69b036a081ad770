/** The form of an answer: of a call's arguments, or of an input. */

import { useRef, useState } from "preact/hooks";
import type { Answer } from "../answers";
import type { Block } from "../store";
import { useSession } from "../transcript/context";
import { JSON_CHARS, Lazy, lazyValueOf } from "../transcript/lazy";
import { jsonText } from "../values";
import { Form, type FormHandle, type FormProps } from "./form";

/** The arguments that a question is about, in fields, and what the reader changed in them. */
export function useArguments(block: Block<"approval">) {
  const handle = useRef<FormHandle>(null);
  const [changed, setChanged] = useState(false);
  const { args } = block.props.value;
  return {
    changed,
    fields: args !== undefined && args !== null && (
      <AnswerForm block={block} handle={handle} onChange={setChanged} />
    ),
    /**
     * Return the changed arguments as the part of an answer; null if they do not fit, which the
     * fields then say.
     */
    read(): Pick<Answer, "value"> | null {
      const value = handle.current?.read();
      if (value === null) return null;
      return value === undefined ? {} : { value };
    },
  };
}

interface AnswerFormProps extends Pick<FormProps, "handle" | "onChange"> {
  block: Block<"approval">;
}

export function AnswerForm({ block, ...rest }: AnswerFormProps) {
  const session = useSession();
  const { args, schema, approval_kind: kind } = block.props.value;
  const draft = session.answers.draft(block);
  return (
    <Lazy value={schema ?? null}>
      {(whole) => {
        if (kind === "input")
          return <Form text={null} schema={whole ?? { type: "string" }} draft={draft} {...rest} />;
        return (
          <Lazy value={args} text limit={JSON_CHARS}>
            {(loaded) => (
              <Form
                text={
                  lazyValueOf(args) === null
                    ? writtenArgs(session.store.get(toolIdOf(block)), args)
                    : String(loaded)
                }
                schema={whole}
                draft={draft}
                {...rest}
              />
            )}
          </Lazy>
        );
      }}
    </Lazy>
  );
}

function toolIdOf(block: Block<"approval">): string {
  return String(block.props.value.tool_id ?? "");
}

/**
 * The arguments as JSON: as the model wrote them, if these are the same, because JavaScript has not
 * all of JSON's numbers.
 */
function writtenArgs(tool: Block | undefined, args: unknown): string {
  const text = jsonText(args);
  const written = (tool as Block<"tool"> | undefined)?.stream("args_text").text ?? "";
  try {
    return jsonText(JSON.parse(written)) === text ? written : text;
  } catch {
    return text;
  }
}
