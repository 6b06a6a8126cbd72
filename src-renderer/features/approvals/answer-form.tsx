import { useState } from 'react';
import type { Failure, Result } from '../../../src-main/contract/errors.ts';
import type { TicketSummary } from '../../../src-main/contract/tickets.ts';
import { visibleLine } from '../../format.ts';
import { useKeys } from '../../keys.ts';
import { show } from '../../store.ts';
import { t } from '../../strings/en.ts';
import { Button } from '../../ui/button.tsx';
import { TextInput } from '../../ui/field.tsx';
import css from './approvals.module.css';

/** The answer to a run's question: one of its choices by a digit, or the operator's own words. */
export function AnswerForm({
  choices,
  send,
  onSent,
}: {
  choices: readonly string[];
  send(answer: string): Promise<Result<TicketSummary>>;
  onSent(): void;
}) {
  const [text, setText] = useState('');
  const [failure, setFailure] = useState<Failure | null>(null);
  const give = async (answer: string) => {
    const told = await send(answer);
    if (!told.ok) {
      setFailure(told.failure);
      return;
    }
    show(told.value);
    onSent();
  };
  useKeys(
    t.decisions.answer,
    choices.map((choice, index) => ({ key: String(index + 1), label: choice, run: () => void give(choice) })),
  );
  return (
    <form
      className={css.answer}
      onSubmit={(event) => {
        event.preventDefault();
        if (text.trim() !== '') void give(text);
      }}
    >
      {failure !== null && (
        <span role="alert" className={css.needs}>
          {failure.message}
        </span>
      )}
      {choices.map((choice, index) => (
        <Button key={index} shortcut={String(index + 1)} onClick={() => void give(choice)}>
          {visibleLine(choice)}
        </Button>
      ))}
      <TextInput
        className={css.words}
        aria-label={t.decisions.answer}
        placeholder={t.decisions.ownWords}
        value={text}
        onChange={(event) => setText(event.target.value)}
      />
      <Button kind="primary" type="submit" disabled={text.trim() === ''}>
        {t.decisions.answer}
      </Button>
    </form>
  );
}
