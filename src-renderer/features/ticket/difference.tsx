import { memo, useMemo, useSyncExternalStore } from 'react';
import { Diff, Hunk, parseDiff } from 'react-diff-view';
import type { FileData } from 'react-diff-view';
import 'react-diff-view/style/index.css';
import type { TicketDetail } from '../../../src-main/contract/tickets.ts';
import { visible, visibleLine } from '../../format.ts';
import { type DiffView, choose, usePreferences } from '../../preferences.ts';
import { useQuery } from '../../query.ts';
import { t } from '../../strings/en.ts';
import { Empty, Loaded } from '../../ui/said.tsx';
import { Choice } from '../../ui/tabs.tsx';
import css from './difference.module.css';
import { Fold } from './fold.tsx';

const manyLines = 400;
const wide = typeof matchMedia === 'function' ? matchMedia('(min-width: 1800px)') : null;

function useWide(): boolean {
  return useSyncExternalStore(
    (changed) => {
      wide?.addEventListener('change', changed);
      return () => wide?.removeEventListener('change', changed);
    },
    () => wide?.matches ?? false,
  );
}

function parse(text: string): FileData[] | null {
  try {
    return parseDiff(text, { nearbySequences: 'zip' });
  } catch {
    return null;
  }
}

const nameOf = (file: FileData) => visibleLine(file.type === 'delete' ? file.oldPath : file.newPath);

const FileDiff = memo(function FileDiff({ file, view }: { file: FileData; view: DiffView }) {
  const changes = file.hunks.flatMap((hunk) => hunk.changes);
  const added = changes.filter((change) => change.type === 'insert').length;
  const removed = changes.filter((change) => change.type === 'delete').length;
  const was =
    file.type === 'rename' || file.type === 'copy' ? t.difference.was(visibleLine(file.oldPath)) : '';
  return (
    <Fold
      open={changes.length <= manyLines}
      title={
        <>
          <code className={css.name}>{nameOf(file)}</code>
          <span className={css.quiet}>{was === '' ? t.difference.kinds[file.type] : was}</span>
          <span className={css.added}>+{added}</span>
          <span className={css.removed}>−{removed}</span>
        </>
      }
    >
      {file.hunks.length === 0 ? (
        <p className={css.quiet}>{file.isBinary === true ? t.difference.binary : t.difference.noLines}</p>
      ) : (
        <div className={css.file}>
          <Diff viewType={view} diffType={file.type} hunks={file.hunks} gutterType="default">
            {(hunks) => hunks.map((hunk) => <Hunk key={hunk.content} hunk={hunk} />)}
          </Diff>
        </div>
      )}
    </Fold>
  );
});

/** What the latest candidate changes against its base. */
export function Difference({ ticket }: { ticket: TicketDetail }) {
  const chosen = usePreferences((preferences) => preferences.diff);
  const fallback = useWide() ? 'split' : 'unified';
  const view = chosen ?? fallback;
  const query = useQuery(`diff/${ticket.id}`, `${ticket.attempts}/${ticket.version}`, (client) =>
    client.ticket.diff({ id: ticket.id }),
  );
  const text = query.value?.text ?? '';
  // Controls are made visible before the difference is read: a lone carriage return must not start a line.
  const files = useMemo(() => parse(visible(text)), [text]);
  return (
    <Loaded query={query} rows={8}>
      {(diff) =>
        diff.text.trim() === '' ? (
          <Empty title={t.difference.none}>{t.difference.purpose}</Empty>
        ) : (
          <>
            <div className={css.head}>
              <span className={css.quiet}>{files === null ? '' : t.difference.files(files.length)}</span>
              <Choice
                label={t.difference.view}
                options={[
                  { value: 'split', title: t.difference.split },
                  { value: 'unified', title: t.difference.unified },
                ]}
                value={view}
                onChoose={(diffView: DiffView) => choose({ diff: diffView })}
              />
            </div>
            {diff.truncated && <p className={css.quiet}>{t.difference.truncated}</p>}
            {files === null ? (
              <pre className={css.raw}>{visible(diff.text)}</pre>
            ) : (
              files.map((file, index) => <FileDiff key={`${file.newPath}${index}`} file={file} view={view} />)
            )}
          </>
        )
      }
    </Loaded>
  );
}
