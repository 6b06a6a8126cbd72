import { memo, useMemo, useState } from 'react';
import type { TicketState, TicketSummary } from '../../../src-main/contract/tickets.ts';
import { useKeys } from '../../keys.ts';
import { useQuery } from '../../query.ts';
import { go } from '../../router.ts';
import { newestFirst, useLive } from '../../store.ts';
import { t } from '../../strings/en.ts';
import { Button } from '../../ui/button.tsx';
import { Link } from '../../ui/link.tsx';
import { NewRows, Row, Rows } from '../../ui/list.tsx';
import { Empty, Loaded } from '../../ui/said.tsx';
import { StateMark } from '../../ui/state-mark.tsx';
import { Ago, Line } from '../../ui/text.tsx';
import { openEditor } from '../frame/overlays.ts';
import { TicketFacts } from '../ticket/ticket-facts.tsx';
import { useStableOrder } from './stable.ts';
import css from './ticket-list.module.css';

const filters = ['open', 'draft', 'ready', 'in_progress', 'verifying', 'blocked', 'merged', 'all'] as const;
type Filter = (typeof filters)[number];

const passes = (filter: Filter, state: TicketState) =>
  filter === 'all' || filter === state || (filter === 'open' && state !== 'merged');

const TicketRow = memo(function TicketRow({
  ticket,
  selected,
}: {
  ticket: TicketSummary;
  selected: boolean;
}) {
  return (
    <Row
      to={`/ticket/${ticket.id}`}
      selected={selected}
      onFocus={() => go(`/brand/${ticket.brand}/tickets/${ticket.id}`, { replace: true })}
    >
      <span className={css.state}>
        <StateMark state={ticket.state} />
      </span>
      <Line text={ticket.title} className={css.title} />
      {ticket.attempts > 1 && <span className={css.quiet}>{t.ticket.attemptCount(ticket.attempts)}</span>}
      <span className={css.number}>{ticket.id.slice(ticket.id.lastIndexOf('-') + 1)}</span>
      <Ago at={ticket.updatedAt} />
    </Row>
  );
});

function Beside({ id }: { id: string }) {
  const summary = useLive((live) => live.tickets[id]);
  const toApprove = summary?.state === 'draft' && !summary.housekeeping;
  const query = useQuery(`ticket/${id}`, summary?.version ?? 0, (client) => client.ticket.show({ id }));
  return (
    <aside className={css.beside} tabIndex={0} aria-label={t.brand.beside(id)}>
      {summary !== undefined && (
        <header className={css.besideHead}>
          <h2 className={css.besideTitle}>
            <Line text={summary.title} />
          </h2>
          <p>
            <StateMark state={summary.state} /> <Line text={summary.reason} className={css.quiet} />
          </p>
          <Link to={toApprove ? `/approvals/${id}` : `/ticket/${id}`} className={css.open}>
            {toApprove ? t.ticket.decide : t.brand.openTicket}
          </Link>
        </header>
      )}
      <Loaded query={query} rows={8}>
        {(ticket) => <TicketFacts ticket={ticket} />}
      </Loaded>
    </aside>
  );
}

/** A brand's tickets, dense, with the chosen one beside. */
export function TicketList({ brand, selected }: { brand: string; selected: string | null }) {
  const all = useLive((live) => live.tickets);
  const [filter, setFilter] = useState<Filter>('open');
  const own = useMemo(
    () => newestFirst(Object.values(all).filter((ticket) => ticket.brand === brand)),
    [all, brand],
  );
  const ids = useMemo(
    () =>
      own
        .filter((ticket) => passes(filter, ticket.state) || ticket.id === selected)
        .map((ticket) => ticket.id),
    [own, filter, selected],
  );
  const { order, fresh, show } = useStableOrder(ids, `${brand}/${filter}`);
  const counts = useMemo(() => {
    const found = new Map<Filter, number>();
    for (const each of filters) found.set(each, own.filter((ticket) => passes(each, ticket.state)).length);
    return found;
  }, [own]);
  useKeys(t.brand.tabs.tickets, [
    {
      key: 'f',
      label: t.brand.nextFilter,
      run: () => setFilter(filters[(filters.indexOf(filter) + 1) % filters.length] ?? 'open'),
    },
  ]);

  if (own.length === 0) {
    return (
      <div className={css.none}>
        <Empty
          title={t.brand.noTickets}
          action={
            <Button kind="primary" shortcut="c" onClick={() => openEditor({ brand })}>
              {t.actions.newTicket}
            </Button>
          }
        >
          {t.brand.ticketsPurpose}
        </Empty>
      </div>
    );
  }
  return (
    <div className={css.split}>
      <div className={css.left}>
        <div className={css.filters} role="group" aria-label={t.brand.filter}>
          {filters.map((each) => (
            <button
              key={each}
              type="button"
              className={css.filter}
              aria-pressed={each === filter}
              disabled={counts.get(each) === 0 && each !== filter}
              onClick={() => setFilter(each)}
            >
              {each === 'open' ? t.brand.open : each === 'all' ? t.brand.all : t.states[each]}{' '}
              <span className={css.count}>{counts.get(each)}</span>
            </button>
          ))}
        </div>
        <div className={css.scroll}>
          <NewRows count={fresh} label={t.newRows(fresh)} onShow={show} />
          {order.length === 0 ? (
            <Empty title={t.brand.noneOf} />
          ) : (
            <Rows label={t.brand.tabs.tickets}>
              {order.map((id) => {
                const ticket = all[id];
                return ticket === undefined ? null : (
                  <TicketRow key={id} ticket={ticket} selected={id === selected} />
                );
              })}
            </Rows>
          )}
        </div>
      </div>
      {selected !== null && all[selected] !== undefined ? (
        <Beside key={selected} id={selected} />
      ) : (
        <aside className={css.beside} aria-label={t.brand.besideNone}>
          <p className={css.quiet}>{t.brand.choose}</p>
        </aside>
      )}
    </div>
  );
}
