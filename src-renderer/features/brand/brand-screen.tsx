import { go } from '../../router.ts';
import { type BrandTab, brandTabs, pathOfPage } from '../../routes.ts';
import { useKeys } from '../../keys.ts';
import { useQuery } from '../../query.ts';
import { brandById, useLive } from '../../store.ts';
import { t } from '../../strings/en.ts';
import { BrandMark } from '../../ui/brand-mark.tsx';
import { Button } from '../../ui/button.tsx';
import { Row, Rows } from '../../ui/list.tsx';
import { Empty, Failed, Loaded } from '../../ui/said.tsx';
import { Tabs } from '../../ui/tabs.tsx';
import { Line } from '../../ui/text.tsx';
import { useWaiting } from '../../waiting.ts';
import { openEditor } from '../frame/overlays.ts';
import { Page } from '../frame/page.tsx';
import { Activity } from './activity.tsx';
import { Overview } from './overview.tsx';
import { Runs } from './runs.tsx';
import { TerminalsTab } from '../terminals/terminals-tab.tsx';
import { TicketList } from './ticket-list.tsx';

function BrandWiki({ brand }: { brand: string }) {
  const pages = useLive((live) => live.pages);
  const query = useQuery(`wiki/list/${brand}`, pages, (client) => client.wiki.list({ brand }));
  return (
    <Loaded query={query}>
      {(list) =>
        list.length === 0 ? (
          <Empty title={t.wiki.empty}>{t.wiki.purpose}</Empty>
        ) : (
          <Rows label={t.nav.wiki}>
            {list.map((page) => (
              <Row key={page.page} to={pathOfPage(page.page)}>
                <Line text={page.title} />
              </Row>
            ))}
          </Rows>
        )
      }
    </Loaded>
  );
}

/** One brand: what it is, its tickets, its runs, its wiki, its log. */
export function BrandScreen({
  brand: id,
  tab,
  ticket,
}: {
  brand: string;
  tab: BrandTab;
  ticket: string | null;
}) {
  const brand = useLive((live) => brandById(live.brands, id));
  const waiting = useWaiting().filter((each) => each.brand === id).length;
  const running = useLive(
    (live) => Object.values(live.runs).filter((run) => run.brand === id && run.state === 'running').length,
  );
  useKeys(
    brand?.name ?? id,
    brandTabs.map((each, index) => ({
      key: String(index + 1),
      label: t.brand.tabs[each],
      run: () => go(`/brand/${id}/${each}`),
    })),
  );
  if (brand === undefined) {
    return (
      <Page title={id}>
        <Empty title={t.brand.unknown(id)} />
      </Page>
    );
  }
  const tabs = brandTabs.map((each) => ({
    to: `/brand/${id}/${each}`,
    title: t.brand.tabs[each],
    here: each === tab,
    ...(each === 'tickets' && { count: waiting }),
    ...(each === 'runs' && { count: running }),
  }));
  return (
    <Page
      title={brand.name}
      mark={<BrandMark id={id} bare />}
      width={tab === 'tickets' || tab === 'terminals' ? 'full' : 'text'}
      below={<Tabs label={t.brand.parts} tabs={tabs} />}
      actions={
        <Button kind="quiet" shortcut="c" onClick={() => openEditor({ brand: id })}>
          {t.actions.newTicket}
        </Button>
      }
    >
      {brand.state === 'closed' && (
        <Failed
          failure={{ code: 'brand-closed', message: t.brand.isClosed(brand.name), hint: brand.error ?? '' }}
        />
      )}
      {tab === 'overview' && <Overview brand={brand} />}
      {tab === 'tickets' && <TicketList brand={id} selected={ticket} />}
      {tab === 'runs' && <Runs brand={id} />}
      {tab === 'terminals' && brand.state === 'open' && <TerminalsTab brand={brand} />}
      {tab === 'wiki' && <BrandWiki brand={id} />}
      {tab === 'activity' && <Activity brand={id} />}
    </Page>
  );
}
