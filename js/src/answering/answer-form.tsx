/** The form of an answer: of a call's arguments, or of an input. */

import type { Block } from "../store";
import { useSession } from "../transcript/context";
import { JSON_CHARS, Lazy, lazyValueOf } from "../transcript/lazy";
import { jsonText } from "../values";
import { Form, type FormProps } from "./form";

interface AnswerFormProps extends Pick<FormProps, "handle" | "onChange" | "focusOnce"> {
  block: Block<"approval">;
}

export function AnswerForm({ block, ...rest }: AnswerFormProps) {
  const session = useSession();
  const { args, schema, approval_kind: kind } = block.props.value;
  const draft = session.answers.draft(block);
  return (
    <Lazy value={schema ?? null}>
      {(whole) => {
        if (kind === "input") return <Form text={null} schema={whole ?? { type: "string" }} draft={draft} {...rest} />;
        return (
          <Lazy value={args} text limit={JSON_CHARS}>
            {(loaded) => (
              <Form
                text={
                  lazyValueOf(args) === null ? writtenArgs(session.store.get(toolIdOf(block)), args) : String(loaded)
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

/** The arguments as JSON: as the model wrote them, if these are the same, because JavaScript has not all of JSON's numbers. */
function writtenArgs(tool: Block | undefined, args: unknown): string {
  const text = jsonText(args);
  const written = (tool as Block<"tool"> | undefined)?.stream("args_text").text ?? "";
  try {
    return jsonText(JSON.parse(written)) === text ? written : text;
  } catch {
    return text;
  }
}
