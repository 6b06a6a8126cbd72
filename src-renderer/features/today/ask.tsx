import { useId, useState } from 'react';
import type { FormEvent } from 'react';
import type { Failure } from '../../../src-main/contract/errors.ts';
import type { TicketDetail } from '../../../src-main/contract/tickets.ts';
import { ask, commandId } from '../../connection.ts';
import { visibleLine } from '../../format.ts';
import { announce, show, useLive } from '../../store.ts';
import { t } from '../../strings/en.ts';
import { Button } from '../../ui/button.tsx';
import { Link } from '../../ui/link.tsx';
import { Failed } from '../../ui/said.tsx';
import { needsCommand } from '../approvals/risks.ts';
import { openEditor } from '../frame/overlays.ts';
import css from './ask.module.css';
import { draftOf } from './sentence.ts';

const brandSlot = 'atrium.ask.brand';
const textSlot = 'atrium.ask.text';

/** What was typed in this window and is not drafted yet. */
export const typed = () => sessionStorage.getItem(textSlot) ?? '';

/** The one box: a sentence becomes a draft in the chosen brand. What is typed stays until it is drafted. */
export function Ask({ onTyping }: { onTyping(typing: boolean): void }) {
  const id = useId();
  const brands = useLive((live) => live.brands).filter((brand) => brand.state === 'open');
  const [text, setText] = useState(typed);
  const [chosen, setChosen] = useState(() => localStorage.getItem(brandSlot) ?? '');
  const [failure, setFailure] = useState<Failure | null>(null);
  const [busy, setBusy] = useState(false);
  const [drafted, setDrafted] = useState<TicketDetail | null>(null);
  const brand = brands.find((each) => each.id === chosen) ?? brands[0];

  const type = (value: string) => {
    setText(value);
    sessionStorage.setItem(textSlot, value);
    onTyping(value.trim() !== '');
  };
  const send = async (event: FormEvent) => {
    event.preventDefault();
    if (brand === undefined || text.trim() === '' || busy) return;
    setBusy(true);
    setFailure(null);
    const answer = await ask((client) =>
      client.ticket.draft({ brand: brand.id, draft: draftOf(text), commandId: commandId() }),
    );
    setBusy(false);
    if (!answer.ok) {
      setFailure(answer.failure);
      return;
    }
    show(answer.value);
    setDrafted(answer.value);
    announce(t.ask.drafted(answer.value.id));
    type('');
  };

  return (
    <form className={css.ask} onSubmit={(event) => void send(event)}>
      <label htmlFor={id} className={css.label}>
        {t.ask.question}
      </label>
      <div className={css.box}>
        <input
          id={id}
          value={text}
          maxLength={5_000}
          autoComplete="off"
          className={css.input}
          onChange={(event) => type(event.target.value)}
        />
        <span className={css.in}>{t.ask.in}</span>
        <select
          aria-label={t.ask.brand}
          className={css.select}
          value={brand?.id ?? ''}
          onChange={(event) => {
            setChosen(event.target.value);
            localStorage.setItem(brandSlot, event.target.value);
          }}
        >
          {brands.map((each) => (
            <option key={each.id} value={each.id}>
              {visibleLine(each.name)}
            </option>
          ))}
        </select>
      </div>
      <div className={css.below} data-shown={text.trim() !== '' || drafted !== null}>
        {text.trim() !== '' ? (
          <>
            <Button kind="primary" type="submit" shortcut="Enter" disabled={busy || brand === undefined}>
              {t.ask.draft}
            </Button>
            <Button
              kind="quiet"
              onClick={() => openEditor({ ...(brand && { brand: brand.id }), title: text })}
            >
              {t.ask.details}
            </Button>
          </>
        ) : drafted !== null ? (
          <>
            <p className={css.drafted}>
              {t.ask.drafted(drafted.id)}{' '}
              {needsCommand(drafted) ? (
                t.approvals.needsCommand
              ) : (
                <Link to={`/approvals/${drafted.id}`}>{t.ask.read}</Link>
              )}
            </p>
            {needsCommand(drafted) && (
              <Button onClick={() => openEditor({ ticket: drafted, focus: 'command' })}>
                {t.ask.details}
              </Button>
            )}
          </>
        ) : (
          <p className={css.quiet}>{t.ask.hint}</p>
        )}
      </div>
      {failure !== null && <Failed failure={failure} />}
    </form>
  );
}
