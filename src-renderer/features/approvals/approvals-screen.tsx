import { useEffect } from 'react';
import { useDecisions } from '../../decisions.ts';
import { useQuery } from '../../query.ts';
import { go } from '../../router.ts';
import type { Route } from '../../routes.ts';
import { useLive } from '../../store.ts';
import { t } from '../../strings/en.ts';
import { Empty, Loaded } from '../../ui/said.tsx';
import { Link } from '../../ui/link.tsx';
import { placeOf, useWaiting } from '../../waiting.ts';
import { Page } from '../frame/page.tsx';
import { ApprovalCard } from './approval-card.tsx';
import css from './approvals.module.css';
import { AskBar, AskCard, useAsk } from './ask.tsx';
import { DecideBar } from './decide-bar.tsx';
import { DecisionCard } from './decision-card.tsx';

type Named = Extract<Route, { screen: 'approvals' }>['named'];

/** What stands where nothing waits, or not what was named. */
function Nothing({ named, others }: { named: Named; others: number }) {
  const ticket = named?.kind === 'ask' ? null : (named?.ticket ?? null);
  const known = useLive((live) => (ticket === null ? undefined : live.tickets[ticket]));
  const pending = useDecisions((state) =>
    state.pending.some((each) => each.id === ticket && each.failure === null),
  );
  const gone =
    ticket !== null &&
    (known === undefined || named?.kind !== 'approval' || known.state !== 'draft' || pending);
  if (!gone && named?.kind !== 'ask') return <Empty title={t.approvals.none}>{t.approvals.purpose}</Empty>;
  const name = named?.kind === 'ask' ? named.ask : (ticket ?? '');
  return (
    <Empty
      title={pending ? t.approvals.isPending(name) : t.approvals.notWaiting(name)}
      action={
        <Link to="/approvals" className={css.link}>
          {t.approvals.others(others)}
        </Link>
      }
    />
  );
}

/** One thing that waits at a time, large, with what is decided about it always in the same place. */
export function ApprovalsScreen({ named }: { named: Named }) {
  const waiting = useWaiting();
  const at =
    named === null
      ? 0
      : waiting.findIndex((each) =>
          named.kind === 'ask'
            ? each.key === `ask/${named.ask}`
            : each.ticket === named.ticket && each.kind === named.kind,
        );
  const item = waiting[at];
  // What is shown stays shown, whatever is decided elsewhere: no other card slips under the hand.
  const place = named === null && item !== undefined ? placeOf(item) : null;
  useEffect(() => {
    if (place !== null) go(place, { replace: true });
  }, [place]);
  const following = waiting.length > 1 ? waiting[(at + 1) % waiting.length] : undefined;
  const next = following === undefined ? null : placeOf(following);
  const isAsk = item === undefined ? named?.kind === 'ask' : item.kind === 'ask';
  const asked = useAsk(
    !isAsk ? null : item === undefined ? (named?.kind === 'ask' ? named.ask : null) : item.key.slice(4),
  );
  const id = isAsk ? null : (item?.ticket ?? null);
  const summary = useLive((live) => live.tickets[id ?? '']);
  const ticket = useQuery(id === null ? null : `ticket/${id}`, summary?.version ?? 0, (client) =>
    client.ticket.show({ id: id ?? '' }),
  );
  const shown = ticket.value;
  const card =
    asked.value !== null ? (
      <AskCard asked={asked.value} />
    ) : item === undefined ? (
      asked.loading ? null : (
        <Nothing named={named} others={waiting.length} />
      )
    ) : isAsk ? (
      <Loaded query={asked} rows={6}>
        {() => null}
      </Loaded>
    ) : (
      <Loaded query={ticket} rows={10}>
        {(value) =>
          item.kind === 'approval' ? (
            <ApprovalCard ticket={value} />
          ) : (
            <DecisionCard item={item} ticket={value} />
          )
        }
      </Loaded>
    );
  return (
    <Page
      title={t.nav.approvals}
      width="full"
      actions={
        item !== undefined && <span className={css.quiet}>{t.approvals.place(at + 1, waiting.length)}</span>
      }
    >
      <div className={css.screen}>
        <div
          className={css.scroll}
          tabIndex={0}
          role="region"
          aria-label={t.approvals.region}
          key={`card ${item?.key ?? ''}`}
        >
          <div className={css.column}>{card}</div>
        </div>
        {item?.kind === 'ask' && asked.value?.state === 'open' && (
          <AskBar key={`decide ${item.key}`} item={item} next={next} />
        )}
        {item !== undefined &&
          shown !== null &&
          shown.id === item.ticket &&
          shown.hash === summary?.hash &&
          !isAsk && <DecideBar key={`decide ${item.key}`} item={item} ticket={shown} next={next} />}
      </div>
    </Page>
  );
}
