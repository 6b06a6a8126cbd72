import { useState } from 'react';
import type { Failure } from '../../../src-main/contract/errors.ts';
import type { AskView } from '../../../src-main/contract/guard.ts';
import type { WaitingItem } from '../../../src-main/contract/waiting.ts';
import { ask, commandId } from '../../connection.ts';
import { sentence, visibleLine } from '../../format.ts';
import { type Query, useQuery } from '../../query.ts';
import { useLive } from '../../store.ts';
import { t } from '../../strings/en.ts';
import { BrandMark } from '../../ui/brand-mark.tsx';
import { Button } from '../../ui/button.tsx';
import { Link } from '../../ui/link.tsx';
import { StateMark } from '../../ui/state-mark.tsx';
import { Ago, Code, Command, Line, Until } from '../../ui/text.tsx';
import css from './approvals.module.css';
import { Bar, type BarProps, goOn } from './bar.tsx';
import { Part } from './decision-card.tsx';

/** One question of the guard, also when it was answered elsewhere or nobody answered; null while it is looked for. */
export function useAsk(id: string | null): Query<AskView | null> {
  const waits = useLive((live) => live.waiting.some((item) => item.key === `ask/${id}`));
  const asks = useQuery(id === null ? null : `ask/${id}`, String(waits), (client) =>
    client.guard.asks({ all: true }),
  );
  return { ...asks, value: asks.value?.find((each) => each.id === id) ?? null };
}

const marks = { open: 'waiting', allowed: 'passed', denied: 'stopped', expired: 'interrupted' } as const;

/** A tool call that waits for the operator's word, or did: what it would do, whose it is, and the rule that asks. */
export function AskCard({ asked }: { asked: AskView }) {
  return (
    <article className={css.card} aria-labelledby="ask-title">
      <header className={css.cardHead}>
        <p className={css.where}>
          <BrandMark id={asked.brand} />
          {asked.ticket !== null && (
            <Link to={`/ticket/${asked.ticket}`} className={css.id}>
              {asked.ticket}
            </Link>
          )}
          <span>{t.decisions.kinds.ask}</span>
          <Ago at={asked.askedAt} />
        </p>
        <h2 id="ask-title" className={css.title} dir="auto">
          {t.asks.title(t.runs.role(asked.role), visibleLine(asked.tool))}
        </h2>
      </header>
      {asked.text !== '' && (
        <Part name={t.decisions.call}>
          <Command text={asked.text} />
        </Part>
      )}
      {asked.paths.length > 0 && (
        <Part name={t.decisions.touches}>
          <ul className={css.list}>
            {asked.paths.map((path, index) => (
              <li key={index}>
                <Code text={path} />
              </li>
            ))}
          </ul>
        </Part>
      )}
      <Part name={t.decisions.why}>
        <Line text={sentence(asked.reason)} />
        <p className={css.mode}>{t.asks.rule(visibleLine(asked.rule), asked.level)}</p>
      </Part>
      <Part name={t.asks.run}>
        <Link to={`/brand/${asked.brand}/runs`} className={css.link}>
          {asked.run}
        </Link>
      </Part>
      <Part name={t.asks.answer}>
        {asked.state === 'open' ? (
          <p>
            <Until at={asked.expiresAt} said={t.asks.expires} />
          </p>
        ) : (
          <>
            <StateMark state={marks[asked.state]} word={t.asks.states[asked.state]} />
            {asked.note !== '' && <Line text={asked.note} />}
          </>
        )}
      </Part>
    </article>
  );
}

/** The operator's word on a tool call: it holds for this call alone. */
export function AskBar({ item, next }: BarProps & { item: WaitingItem }) {
  const [failure, setFailure] = useState<Failure | null>(null);
  const answer = async (decision: 'allow' | 'deny') => {
    const id = item.key.slice('ask/'.length);
    const told = await ask((client) => client.guard.answer({ id, decision, commandId: commandId() }));
    if (told.ok) goOn(next);
    else setFailure(told.failure);
  };
  return (
    <Bar
      item={item}
      next={next}
      failure={failure}
      keys={[
        { key: 'a', label: t.decisions.allow, run: () => void answer('allow') },
        { key: 'r', label: t.decisions.deny, run: () => void answer('deny') },
      ]}
    >
      <Button kind="primary" shortcut="a" onClick={() => void answer('allow')}>
        {t.decisions.allow}
      </Button>
      <Button shortcut="r" onClick={() => void answer('deny')}>
        {t.decisions.deny}
      </Button>
    </Bar>
  );
}
