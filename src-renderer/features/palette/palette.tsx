import { Command } from 'cmdk';
import { useState } from 'react';
import { visibleLine } from '../../format.ts';
import { type Binding, useLayers } from '../../keys.ts';
import { choose } from '../../preferences.ts';
import { go } from '../../router.ts';
import { pathOfPage } from '../../routes.ts';
import { useQuery } from '../../query.ts';
import { newestFirst, useLive } from '../../store.ts';
import { t } from '../../strings/en.ts';
import { BrandMark } from '../../ui/brand-mark.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { Kbd } from '../../ui/kbd.tsx';
import { StateMark } from '../../ui/state-mark.tsx';
import { startDay } from '../today/start.ts';
import { runDoctor } from '../health/doctor.ts';
import { openEditor } from '../frame/overlays.ts';
import css from './palette.module.css';

const ticketsAtMost = 40;
/** Keys that only make sense while the screen has the focus. */
const notHere = new Set(['Mod+k', 'j', 'k', 'Enter']);

interface Action {
  id: string;
  title: string;
  run(): void;
}

function actions(): Action[] {
  return [
    { id: 'new', title: t.actions.newTicket, run: () => openEditor() },
    { id: 'start', title: t.day.start, run: () => (go('/'), void startDay()) },
    { id: 'doctor', title: t.health.run, run: () => (go('/health'), void runDoctor()) },
    { id: 'add', title: t.nav.addBrand, run: () => go('/add-brand') },
    { id: 'today', title: t.palette.goTo(t.nav.today), run: () => go('/') },
    { id: 'approvals', title: t.palette.goTo(t.nav.approvals), run: () => go('/approvals') },
    { id: 'wiki', title: t.palette.goTo(t.nav.wiki), run: () => go('/wiki') },
    { id: 'health', title: t.palette.goTo(t.nav.health), run: () => go('/health') },
    { id: 'settings', title: t.palette.goTo(t.nav.settings), run: () => go('/settings') },
    {
      id: 'light',
      title: t.palette.scheme(t.settings.schemes.light),
      run: () => choose({ scheme: 'light' }),
    },
    { id: 'dark', title: t.palette.scheme(t.settings.schemes.dark), run: () => choose({ scheme: 'dark' }) },
    {
      id: 'system',
      title: t.palette.scheme(t.settings.schemes.system),
      run: () => choose({ scheme: 'system' }),
    },
  ];
}

/** Every action, every brand, ticket and page, by a few letters of its name. */
export function Palette({ onClose }: { onClose(): void }) {
  const [words, setWords] = useState('');
  const [layers] = useState(() => useLayers.getState().layers.filter((layer) => !layer.modal));
  const brands = useLive((live) => live.brands);
  const tickets = useLive((live) => live.tickets);
  const pages = useQuery(
    'wiki/list',
    useLive((live) => live.pages),
    (client) => client.wiki.list({}),
  );
  const wanted = words.trim().toLowerCase();
  const found = newestFirst(Object.values(tickets))
    .filter((ticket) => wanted === '' || `${ticket.id} ${ticket.title}`.toLowerCase().includes(wanted))
    .slice(0, wanted === '' ? 5 : ticketsAtMost);
  const keysOf = (everywhere: boolean) =>
    layers
      .filter((layer) => (layer.title === t.keys.everywhere) === everywhere)
      .toReversed()
      .flatMap((layer) => layer.bindings.filter((binding) => !notHere.has(binding.key)));
  const own = keysOf(false);
  const everywhere = keysOf(true);
  const known = new Set([...own, ...everywhere].map((binding) => binding.label));

  // The palette is gone before the action runs: what the action opens is not closed with it.
  const then = (run: () => void) => () => {
    onClose();
    queueMicrotask(run);
  };
  const item = (value: string, title: string, run: () => void, key?: string) => (
    <Command.Item key={value} value={value} keywords={[title]} onSelect={then(run)} className={css.item}>
      <span className={css.title}>{title}</span>
      {key !== undefined && <Kbd keys={key} />}
    </Command.Item>
  );
  const byKey = (binding: Binding) =>
    item(`key ${binding.key} ${binding.label}`, binding.label, binding.run, binding.key);
  return (
    <Dialog title={t.palette.open} onClose={onClose} kind="bare">
      <Command label={t.palette.open} loop className={css.palette}>
        <Command.Input
          value={words}
          onValueChange={setWords}
          placeholder={t.palette.placeholder}
          className={css.input}
        />
        <Command.List className={css.list} label={t.palette.found}>
          <Command.Empty className={css.empty}>{t.palette.none}</Command.Empty>
          <Command.Group heading={t.palette.here} className={css.group} hidden={own.length === 0}>
            {own.map(byKey)}
          </Command.Group>
          <Command.Group heading={t.palette.everywhere} className={css.group}>
            {everywhere.map(byKey)}
            {actions()
              .filter((action) => !known.has(action.title))
              .map((action) => item(`action ${action.id}`, action.title, action.run))}
          </Command.Group>
          <Command.Group heading={t.nav.brands} className={css.group}>
            {brands.map((brand) => (
              <Command.Item
                key={brand.id}
                value={`brand ${brand.id}`}
                keywords={[brand.name]}
                onSelect={then(() => go(`/brand/${brand.id}`))}
                className={css.item}
              >
                <BrandMark id={brand.id} />
              </Command.Item>
            ))}
          </Command.Group>
          <Command.Group heading={t.palette.tickets} className={css.group}>
            {found.map((ticket) => (
              <Command.Item
                key={ticket.id}
                value={`ticket ${ticket.id}`}
                keywords={[ticket.title]}
                onSelect={then(() => go(`/ticket/${ticket.id}`))}
                className={css.item}
              >
                <BrandMark id={ticket.brand} bare />
                <span className={css.title} dir="auto">
                  {visibleLine(ticket.title)}
                </span>
                <span className={css.quiet}>{ticket.id}</span>
                <StateMark state={ticket.state} bare />
              </Command.Item>
            ))}
          </Command.Group>
          {pages.value !== null && wanted !== '' && (
            <Command.Group heading={t.nav.wiki} className={css.group}>
              {pages.value.map((page) => (
                <Command.Item
                  key={page.page}
                  value={`page ${page.page}`}
                  keywords={[page.title]}
                  onSelect={then(() => go(pathOfPage(page.page)))}
                  className={css.item}
                >
                  <BrandMark id={page.brand} bare />
                  <span className={css.title} dir="auto">
                    {visibleLine(page.title)}
                  </span>
                </Command.Item>
              ))}
            </Command.Group>
          )}
        </Command.List>
      </Command>
    </Dialog>
  );
}
