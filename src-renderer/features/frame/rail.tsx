import { BookOpen, CalendarDays, HeartPulse, Plus, Settings2, Stamp } from 'lucide-react';
import type { ReactNode } from 'react';
import { visibleLine } from '../../format.ts';
import { usePlace } from '../../router.ts';
import { useLive } from '../../store.ts';
import { t } from '../../strings/en.ts';
import { hueOf } from '../../ui/brand-mark.tsx';
import { Link } from '../../ui/link.tsx';
import { placeOf, useWaiting } from '../../waiting.ts';
import { Lock } from 'lucide-react';
import css from './rail.module.css';

const size = { size: 16, strokeWidth: 1.5, 'aria-hidden': true } as const;

interface ItemProps {
  to: string;
  icon: ReactNode;
  children: ReactNode;
  badge?: ReactNode;
  here: boolean;
}

function Item({ to, icon, children, badge, here }: ItemProps) {
  return (
    <li>
      <Link to={to} className={css.item} aria-current={here ? 'page' : undefined}>
        {icon}
        <span className={css.name}>{children}</span>
        {badge !== undefined && badge !== null && <span className={css.badge}>{badge}</span>}
      </Link>
    </li>
  );
}

/** How many wait, as text that is read with the name. */
function Count({ count }: { count: number }) {
  if (count === 0) return null;
  return (
    <>
      <span aria-hidden="true">{count}</span>
      <span className={css.unseen}>{t.nav.waiting(count)}</span>
    </>
  );
}

/** The way to every room, with what waits in each. */
export function Rail() {
  const route = usePlace((place) => place.route);
  const brands = useLive((live) => live.brands);
  const waiting = useWaiting();
  const grade = useLive((live) => live.doctor?.grade);
  const first = waiting[0];
  const brandHere = route.screen === 'brand' ? route.brand : null;

  return (
    <nav className={css.rail} aria-label={t.nav.label}>
      <div className={css.product}>
        <svg
          viewBox="0 0 16 16"
          width="16"
          height="16"
          fill="none"
          stroke="currentColor"
          strokeWidth="1.5"
          aria-hidden="true"
        >
          <path d="M8 1.2 14.8 8 8 14.8 1.2 8Z" />
          <path d="M8 5.2 10.8 8 8 10.8 5.2 8Z" />
        </svg>
        <span>{t.appName}</span>
      </div>
      {first === undefined ? (
        <p className={css.still}>{t.nav.still}</p>
      ) : (
        <Link to={placeOf(first)} className={css.needs}>
          {t.nav.needYou(waiting.length)}
        </Link>
      )}
      <ul className={css.list}>
        <Item to="/" icon={<CalendarDays {...size} />} here={route.screen === 'today'}>
          {t.nav.today}
        </Item>
        <Item
          to="/approvals"
          icon={<Stamp {...size} />}
          here={route.screen === 'approvals'}
          badge={waiting.length > 0 ? <Count count={waiting.length} /> : null}
        >
          {t.nav.approvals}
        </Item>
        <Item to="/wiki" icon={<BookOpen {...size} />} here={route.screen === 'wiki'}>
          {t.nav.wiki}
        </Item>
        <Item to="/health" icon={<HeartPulse {...size} />} here={route.screen === 'health'} badge={grade}>
          {t.nav.health}
        </Item>
      </ul>
      <div className={css.heading}>
        <h2>{t.nav.brands}</h2>
        <Link to="/add-brand" className={css.add} aria-label={t.nav.addBrand} title={t.nav.addBrand}>
          <Plus {...size} />
        </Link>
      </div>
      <ul className={`${css.list} ${css.brands}`}>
        {brands.map((brand) => {
          const count = waiting.filter((each) => each.brand === brand.id).length;
          return (
            <li key={brand.id} style={hueOf(brand.colour)}>
              <Link
                to={`/brand/${brand.id}`}
                className={css.item}
                aria-current={brandHere === brand.id ? 'page' : undefined}
                title={visibleLine(brand.name)}
              >
                <span className={css.edge} />
                <span className={css.name} dir="auto">
                  {visibleLine(brand.name)}
                </span>
                {brand.state === 'closed' && <span className={css.closed}>{t.brand.closed}</span>}
                {brand.sealed && (
                  <Lock size={12} strokeWidth={1.5} aria-label={t.brand.sealed} className={css.lock} />
                )}
                {count > 0 && (
                  <span className={css.badge}>
                    <Count count={count} />
                  </span>
                )}
              </Link>
            </li>
          );
        })}
      </ul>
      <ul className={css.list}>
        <Item to="/settings" icon={<Settings2 {...size} />} here={route.screen === 'settings'}>
          {t.nav.settings}
        </Item>
      </ul>
    </nav>
  );
}
