import '@xterm/xterm/css/xterm.css';
import { ChevronDown, ChevronUp, X } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';
import { useKeys } from '../../keys.ts';
import { t } from '../../strings/en.ts';
import { IconButton } from '../../ui/button.tsx';
import { TextInput } from '../../ui/field.tsx';
import { follow } from './follow.ts';
import { LinkLook } from './link-look.tsx';
import { openTerminal, themeNow, type PageTerminal } from './open-terminal.ts';
import css from './terminals.module.css';

/** Search in what the terminal shows and keeps. */
function Search({ page, onClose }: { page: PageTerminal; onClose(): void }) {
  const [words, setWords] = useState('');
  const [found, setFound] = useState(true);
  const look = (text: string, back = false) =>
    setFound(text === '' || (back ? page.search.findPrevious(text) : page.search.findNext(text)));
  useKeys(t.terminals.search, [{ key: 'Escape', label: t.actions.close, run: onClose, typing: true }]);
  return (
    <form
      className={css.search}
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        look(words);
      }}
    >
      <TextInput
        aria-label={t.terminals.search}
        autoFocus
        value={words}
        onChange={(event) => {
          setWords(event.target.value);
          look(event.target.value);
        }}
      />
      <span role="status" className={css.quiet}>
        {found ? '' : t.terminals.searchNone}
      </span>
      <IconButton
        label={t.terminals.previous}
        icon={<ChevronUp size={16} strokeWidth={1.5} aria-hidden="true" />}
        onClick={() => look(words, true)}
      />
      <IconButton
        label={t.terminals.next}
        icon={<ChevronDown size={16} strokeWidth={1.5} aria-hidden="true" />}
        onClick={() => look(words)}
      />
      <IconButton
        label={t.actions.close}
        icon={<X size={16} strokeWidth={1.5} aria-hidden="true" />}
        onClick={onClose}
      />
    </form>
  );
}

/** One terminal, drawn: the core owns it, and this looks at it for as long as it is shown. */
export function TerminalPane({ id, name, onEnded }: { id: string; name: string; onEnded(): void }) {
  const place = useRef<HTMLDivElement>(null);
  const [page, setPage] = useState<PageTerminal | null>(null);
  const [notice, setNotice] = useState<string | null>(null);
  const [address, setAddress] = useState<string | null>(null);
  const [searching, setSearching] = useState(false);
  const told = useRef(onEnded);
  useEffect(() => {
    told.current = onEnded;
  });

  useEffect(() => {
    const element = place.current;
    if (element === null) return;
    const opened = openTerminal(element, setAddress);
    opened.fit();
    setPage(opened);
    const stop = follow(id, opened.terminal, {
      onLine: (live) => setNotice(live ? null : t.terminals.reconnecting),
      onEnded(code, signal) {
        setNotice(t.terminals.ended(code, signal));
        told.current();
      },
      onGone() {
        setNotice(t.terminals.gone);
        told.current();
      },
    });
    const size = new ResizeObserver(() => opened.fit());
    size.observe(element);
    const scheme = new MutationObserver(() => {
      opened.terminal.options.theme = themeNow();
    });
    scheme.observe(document.documentElement, { attributeFilter: ['data-theme'] });
    // Cells are measured with the font that is there: once it has come, they are measured again.
    void document.fonts.load('13px "JetBrains Mono Variable"').then(() => {
      opened.terminal.options.fontSize = 13.01;
      opened.terminal.options.fontSize = 13;
      opened.fit();
    });
    opened.terminal.focus();
    return () => {
      size.disconnect();
      scheme.disconnect();
      stop();
      opened.dispose();
    };
  }, [id]);

  useKeys(t.terminals.of(name), [
    { key: 'Mod+f', label: t.terminals.search, run: () => setSearching(true), typing: true },
  ]);

  return (
    <section className={css.pane} aria-label={t.terminals.of(name)}>
      {searching && page !== null && (
        <Search
          page={page}
          onClose={() => {
            setSearching(false);
            page.search.clearDecorations();
            page.terminal.focus();
          }}
        />
      )}
      <div ref={place} className={css.place} data-terminal={id} />
      {notice !== null && (
        <p role="status" className={css.notice}>
          {notice}
        </p>
      )}
      {address !== null && <LinkLook address={address} onClose={() => setAddress(null)} />}
    </section>
  );
}
