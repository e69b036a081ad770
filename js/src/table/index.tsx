/** The lazy part `table.js`: the table of a map, of which each row is a run. */

import { useEffect, useMemo, useState } from "preact/hooks";
import { PartRoot } from "../answering/part-root";
import type { Session } from "../session";
import type { Block } from "../store";
import { LoadError } from "../transcript/lazy";
import { num, record, strings } from "../values";
import { Bar } from "./bar";
import { Filters } from "./filters";
import { Grid } from "./grid";
import { ALL, askRows, RowPages, type Wish } from "./row-pages";

export function RowsTable({ session, block }: { session: Session; block: Block<"rows"> }) {
  const props = block.props.value;
  const total = num(props.total) ?? 0;
  const version = num(props.version) ?? 0;
  const pages = useMemo(
    () => new RowPages((question) => askRows(session, question), total),
    [session],
  );
  const [wish, setWish] = useState(ALL);
  useEffect(() => () => pages.close(), [pages]);
  useEffect(() => pages.setVersion(version), [pages, version]);
  const onWish = (change: Partial<Wish>) => {
    pages.setWish({ ...pages.wish, ...change });
    setWish(pages.wish);
  };
  const problem = pages.problem.value;
  return (
    <PartRoot session={session}>
      <Bar session={session} props={props} />
      {strings(props.notices).map((notice) => (
        <p key={notice} class="nb-note nb-ask">
          {notice}
        </p>
      ))}
      <Filters
        props={props}
        found={wish === ALL ? null : pages.total.value}
        total={total}
        onWish={onWish}
      />
      {problem !== null && <LoadError reason={problem} onRetry={() => pages.retry()} />}
      <Grid
        session={session}
        pages={pages}
        labelChars={num(props.label_chars) ?? 0}
        scores={strings(props.scores)}
        figures={strings(props.figures)}
        open={record(props.open)}
        onWish={onWish}
      />
    </PartRoot>
  );
}
