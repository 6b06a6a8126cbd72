import { useState } from 'react';
import type { Failure } from '../../../src-main/contract/errors.ts';
import type { BrandView } from '../../../src-main/contract/brands.ts';
import type { DeskView } from '../../../src-main/contract/terminals.ts';
import { ask, commandId } from '../../connection.ts';
import { useQuery } from '../../query.ts';
import { go } from '../../router.ts';
import { show } from '../../store.ts';
import { t } from '../../strings/en.ts';
import { Button } from '../../ui/button.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { Field, Select, TextArea, TextInput } from '../../ui/field.tsx';
import { Failed, Loaded } from '../../ui/said.tsx';
import { Code } from '../../ui/text.tsx';
import css from './terminals.module.css';

const shownFiles = 8;

function Holds({ desk }: { desk: DeskView }) {
  if (!desk.made) return <p className={css.quiet}>{t.terminals.notMade}</p>;
  if (desk.ahead === 0 && desk.dirty.length === 0) return <p className={css.quiet}>{t.terminals.empty}</p>;
  return (
    <>
      <p>{t.terminals.holds(desk.ahead, desk.dirty.length)}</p>
      {desk.dirty.length > 0 && (
        <ul className={css.files}>
          {desk.dirty.slice(0, shownFiles).map((path) => (
            <li key={path}>
              <Code text={path} />
            </li>
          ))}
          {desk.dirty.length > shownFiles && <li>{t.today.more(desk.dirty.length - shownFiles)}</li>}
        </ul>
      )}
    </>
  );
}

/** Makes a draft of what a desk holds. */
export function Propose({
  brand,
  repository: chosen,
  onClose,
}: {
  brand: BrandView;
  repository: string;
  onClose(): void;
}) {
  const [repository, setRepository] = useState(chosen);
  const [title, setTitle] = useState('');
  const [acceptance, setAcceptance] = useState('');
  const [failure, setFailure] = useState<Failure | null>(null);
  const [sending, setSending] = useState(false);
  const desks = useQuery(`desk/${brand.id}`, '', (client) => client.desk.show({ brand: brand.id }));
  const desk = desks.value?.find((each) => each.repository === repository);
  const empty = desk !== undefined && desk.ahead === 0 && desk.dirty.length === 0;

  const send = async () => {
    setSending(true);
    const answer = await ask((client) =>
      client.desk.propose({
        brand: brand.id,
        repository,
        title: title.trim(),
        acceptance: acceptance
          .split('\n')
          .map((line) => line.trim())
          .filter((line) => line !== ''),
        commandId: commandId(),
      }),
    );
    setSending(false);
    if (!answer.ok) {
      setFailure(answer.failure);
      return;
    }
    show(answer.value);
    onClose();
    go(`/approvals/${answer.value.id}`);
  };

  return (
    <Dialog title={t.terminals.proposeTitle} onClose={onClose}>
      <form
        className={css.form}
        onSubmit={(event) => {
          event.preventDefault();
          void send();
        }}
      >
        <p className={css.quiet}>{t.terminals.proposeText}</p>
        {brand.repositories.length > 1 && (
          <Field label={t.terminals.repository}>
            {(ids) => (
              <Select {...ids} value={repository} onChange={(event) => setRepository(event.target.value)}>
                {brand.repositories.map(({ name }) => (
                  <option key={name} value={name}>
                    {name}
                  </option>
                ))}
              </Select>
            )}
          </Field>
        )}
        <Loaded query={desks} rows={1}>
          {() =>
            desk === undefined ? <p className={css.quiet}>{t.terminals.notMade}</p> : <Holds desk={desk} />
          }
        </Loaded>
        <Field label={t.terminals.title}>
          {(ids) => (
            <TextInput {...ids} autoFocus value={title} onChange={(event) => setTitle(event.target.value)} />
          )}
        </Field>
        <Field label={t.terminals.acceptance} hint={t.terminals.acceptanceHint}>
          {(ids) => (
            <TextArea
              {...ids}
              rows={2}
              spellCheck={false}
              value={acceptance}
              onChange={(event) => setAcceptance(event.target.value)}
            />
          )}
        </Field>
        {failure !== null && <Failed failure={failure} />}
        <div className={css.end}>
          <Button kind="primary" type="submit" disabled={title.trim() === '' || sending || empty}>
            {t.terminals.draft}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
