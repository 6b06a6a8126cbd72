import { useState } from 'react';
import type { TicketDetail, TicketSummary } from '../../../src-main/contract/tickets.ts';
import { useKeys } from '../../keys.ts';
import { useQuery } from '../../query.ts';
import { go } from '../../router.ts';
import { useLive } from '../../store.ts';
import { t } from '../../strings/en.ts';
import { BrandMark } from '../../ui/brand-mark.tsx';
import { Button } from '../../ui/button.tsx';
import { Failed, Skeleton } from '../../ui/said.tsx';
import { Choice } from '../../ui/tabs.tsx';
import { openEditor } from '../frame/overlays.ts';
import { Page } from '../frame/page.tsx';
import { Block, Reassign, useSucceed } from './ticket-actions.tsx';
import { Difference } from './difference.tsx';
import { StateStrip } from './state-strip.tsx';
import { TicketFacts } from './ticket-facts.tsx';
import css from './ticket.module.css';
import { Timeline } from './timeline.tsx';

/** States that a ticket can still be changed in. */
const open = (ticket: TicketSummary) => ticket.state !== 'merged' && ticket.state !== 'blocked';

function Actions({ ticket }: { ticket: TicketDetail }) {
  const [asking, setAsking] = useState<'block' | 'reassign' | null>(null);
  const succeed = useSucceed(ticket);
  const toApprove = ticket.state === 'draft' && !ticket.housekeeping;
  const editable = toApprove || ticket.state === 'ready';
  const reassignable = open(ticket) && ticket.state !== 'verifying';
  const succeedable = ticket.state === 'blocked' && ticket.successor === null;
  useKeys(t.ticket.title, [
    {
      key: 'a',
      label: t.ticket.decide,
      run: () => go(`/approvals/${ticket.id}`),
      when: toApprove,
    },
    { key: 'e', label: t.actions.edit, run: () => openEditor({ ticket }), when: editable },
    { key: 'b', label: t.ticket.block, run: () => setAsking('block'), when: open(ticket) },
    { key: 'o', label: t.ticket.reassign, run: () => setAsking('reassign'), when: reassignable },
    { key: 'u', label: t.ticket.succeed, run: succeed.run, when: succeedable },
    { key: 'Escape', label: t.ticket.back, run: () => go(`/brand/${ticket.brand}/tickets/${ticket.id}`) },
  ]);
  return (
    <>
      {succeed.failure !== null && (
        <span role="alert" className={css.failure}>
          {succeed.failure.message}
        </span>
      )}
      {toApprove && (
        <Button kind="primary" shortcut="a" onClick={() => go(`/approvals/${ticket.id}`)}>
          {t.ticket.decide}
        </Button>
      )}
      {succeedable && (
        <Button kind="primary" shortcut="u" onClick={succeed.run}>
          {t.ticket.succeed}
        </Button>
      )}
      {editable && (
        <Button kind="quiet" shortcut="e" onClick={() => openEditor({ ticket })}>
          {t.actions.edit}
        </Button>
      )}
      {reassignable && (
        <Button kind="quiet" shortcut="o" onClick={() => setAsking('reassign')}>
          {t.ticket.reassign}
        </Button>
      )}
      {open(ticket) && (
        <Button kind="quiet" shortcut="b" onClick={() => setAsking('block')}>
          {t.ticket.block}
        </Button>
      )}
      {asking === 'block' && <Block ticket={ticket} onClose={() => setAsking(null)} />}
      {asking === 'reassign' && <Reassign ticket={ticket} onClose={() => setAsking(null)} />}
    </>
  );
}

type Pane = 'timeline' | 'difference';

/** One ticket: its facts, its story, its difference. */
export function TicketScreen({ id }: { id: string }) {
  const summary = useLive((live) => live.tickets[id]);
  const [pane, setPane] = useState<Pane>('timeline');
  // A run's end writes more of the story than the ticket's own version says.
  const moved = useLive((live) => live.activity.find((line) => line.ticket === id)?.position ?? 0);
  const query = useQuery(`ticket/${id}`, `${summary?.version ?? 0}/${moved}`, (client) =>
    client.ticket.show({ id }),
  );
  const ticket = query.value;
  const panes = (['timeline', 'difference'] as const).map((value) => ({ value, title: t.ticket[value] }));
  const head = ticket ?? summary;
  return (
    <Page
      title={head?.title ?? id}
      mark={head !== undefined && head !== null && <BrandMark id={head.brand} bare />}
      width="full"
      actions={ticket !== null && <Actions ticket={ticket} />}
      below={ticket !== null && <StateStrip ticket={ticket} />}
    >
      {ticket === null ? (
        <div className={css.loading}>
          {query.failure === null ? (
            <Skeleton rows={10} />
          ) : (
            <Failed failure={query.failure} onRetry={query.retry} />
          )}
        </div>
      ) : (
        <div className={css.panes} data-pane={pane}>
          <div className={css.facts} tabIndex={0} role="region" aria-label={t.ticket.facts}>
            <TicketFacts ticket={ticket} />
          </div>
          <div className={css.switch}>
            <Choice label={t.ticket.shown} options={panes} value={pane} onChoose={setPane} />
          </div>
          <div className={css.timeline} tabIndex={0} role="region" aria-label={t.ticket.timeline}>
            {query.failure !== null && <Failed failure={query.failure} onRetry={query.retry} />}
            <Timeline ticket={ticket} />
          </div>
          <div className={css.difference} tabIndex={0} role="region" aria-label={t.ticket.difference}>
            <Difference ticket={ticket} />
          </div>
        </div>
      )}
    </Page>
  );
}
