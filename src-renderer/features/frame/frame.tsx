import type { ReactNode } from 'react';
import { useEffect } from 'react';
import { useKeys } from '../../keys.ts';
import { moveInList } from '../../keys.ts';
import { go } from '../../router.ts';
import { useAnnouncement, useLive } from '../../store.ts';
import { t } from '../../strings/en.ts';
import { Skeleton } from '../../ui/said.tsx';
import { placeOf, useWaiting } from '../../waiting.ts';
import { undo, useDecisions } from '../../decisions.ts';
import { Palette } from '../palette/palette.tsx';
import { TicketEditor } from '../ticket/ticket-editor.tsx';
import css from './frame.module.css';
import { KeysHelp } from './keys-help.tsx';
import { closeOverlay, openEditor, openOverlay, useOverlay } from './overlays.ts';
import { PendingBar } from './pending-bar.tsx';
import { Rail } from './rail.tsx';
import { usePlace } from '../../router.ts';

function Overlays() {
  const open = useOverlay((overlays) => overlays.open);
  if (open === null) return null;
  if (open.kind === 'palette') return <Palette onClose={closeOverlay} />;
  if (open.kind === 'keys') return <KeysHelp onClose={closeOverlay} />;
  const { ticket, brand, title, focus } = open;
  return <TicketEditor ticket={ticket} brand={brand} title={title} focus={focus} onClose={closeOverlay} />;
}

function useGlobalKeys() {
  const waiting = useWaiting();
  const path = usePlace((place) => place.path);
  const canUndo = useDecisions((state) =>
    state.pending.some((each) => each.failure === null && !each.sending),
  );
  const next = () => {
    const places = waiting.map(placeOf);
    const place = places[(places.indexOf(path) + 1) % places.length];
    if (place !== undefined) go(place);
  };
  const takeBack = () => {
    const decision = undo();
    if (decision !== null) go(decision.place);
  };
  useKeys(t.keys.everywhere, [
    { key: 'Mod+k', label: t.palette.open, run: () => openOverlay('palette'), typing: true },
    { key: '?', label: t.keys.show, run: () => openOverlay('keys') },
    { key: 'n', label: t.keys.next, run: next, when: waiting.length > 0 },
    { key: 'c', label: t.actions.newTicket, run: () => openEditor() },
    { key: 'z', label: t.actions.undo, run: takeBack, when: canUndo },
    { key: 'j', label: t.keys.down, run: () => moveInList(1) },
    { key: 'k', label: t.keys.up, run: () => moveInList(-1) },
  ]);
}

function LinkBar() {
  const link = useLive((live) => live.link);
  const loaded = useLive((live) => live.loaded);
  if (link === 'live' || (link === 'connecting' && !loaded)) return null;
  return (
    <div className={css.bar} role="status" data-bar={link}>
      {link === 'refused' ? t.bars.refused : t.bars.gone}
    </div>
  );
}

/** Before the first snapshot: what the frame will hold, and why it is empty should it last. */
function Waiting() {
  const refused = useLive((live) => live.link === 'refused');
  return (
    <div className={css.waiting}>
      <h1 className={css.unseen}>{t.appName}</h1>
      {refused ? <p>{t.bars.refusedHint}</p> : <Skeleton rows={8} />}
    </div>
  );
}

/** What is around every screen: the rail, the bars, what floats, and what a screen reader is told. */
export function Frame({ children }: { children: ReactNode }) {
  const loaded = useLive((live) => live.loaded);
  const stale = useLive((live) => live.loaded && live.link !== 'live');
  const said = useAnnouncement();
  useGlobalKeys();

  useEffect(() => {
    document.documentElement.dataset['stale'] = String(stale);
  }, [stale]);

  return (
    <div className={css.frame}>
      <a
        href="#main"
        className={css.skip}
        onClick={(event) => {
          event.preventDefault();
          document.getElementById('main')?.focus();
        }}
      >
        {t.nav.skip}
      </a>
      <Rail />
      <main id="main" tabIndex={-1} className={css.main}>
        <LinkBar />
        <div className={css.screen}>{loaded ? children : <Waiting />}</div>
        <PendingBar />
      </main>
      <Overlays />
      <div role="status" aria-live="polite" className={css.unseen} key={said.count % 2}>
        {said.text}
      </div>
    </div>
  );
}
