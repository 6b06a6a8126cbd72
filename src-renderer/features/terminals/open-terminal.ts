import { FitAddon } from '@xterm/addon-fit';
import { SearchAddon } from '@xterm/addon-search';
import { UnicodeGraphemesAddon } from '@xterm/addon-unicode-graphemes';
import { WebLinksAddon } from '@xterm/addon-web-links';
import { Terminal, type ITheme } from '@xterm/xterm';
import { t } from '../../strings/en.ts';

/** A terminal in the page, with what it is worked with. */
export interface PageTerminal {
  terminal: Terminal;
  fit(): void;
  search: SearchAddon;
  dispose(): void;
}

const scrollback = 10_000;

/** The sixteen colours of programs, readable on both schemes. */
const light = {
  black: '#2b2926',
  red: '#b3261e',
  green: '#1f6f3a',
  yellow: '#805600',
  blue: '#1f5fae',
  magenta: '#86309a',
  cyan: '#0f6a78',
  white: '#6b6862',
  brightBlack: '#5d5a55',
  brightRed: '#b3261e',
  brightGreen: '#1f6f3a',
  brightYellow: '#805600',
  brightBlue: '#1f5fae',
  brightMagenta: '#86309a',
  brightCyan: '#0f6a78',
  brightWhite: '#45423e',
};
const dark = {
  black: '#3a3733',
  red: '#f08a80',
  green: '#7fcf98',
  yellow: '#e0b860',
  blue: '#8db8f2',
  magenta: '#d79be8',
  cyan: '#76cbd8',
  white: '#d8d5d0',
  brightBlack: '#98948d',
  brightRed: '#f5a49c',
  brightGreen: '#9adcae',
  brightYellow: '#ecca80',
  brightBlue: '#aacbf7',
  brightMagenta: '#e4b6f0',
  brightCyan: '#98dae4',
  brightWhite: '#f3f1ee',
};

/** The window's colours, as they are now. */
export function themeNow(): ITheme {
  const style = getComputedStyle(document.documentElement);
  const token = (name: string) => style.getPropertyValue(name).trim();
  return {
    ...(document.documentElement.dataset['theme'] === 'dark' ? dark : light),
    background: token('--canvas'),
    foreground: token('--text'),
    cursor: token('--text'),
    cursorAccent: token('--canvas'),
    selectionBackground: token('--found'),
  };
}

/**
 * Opens a terminal in an element. What a program shows is hostile: nothing of it reaches the clipboard, its questions are
 * answered by the core alone, and an address is shown whole before it is opened.
 */
export function openTerminal(element: HTMLElement, onLink: (address: string) => void): PageTerminal {
  const link = (_event: MouseEvent, address: string) => {
    if (/^https?:\/\//i.test(address)) onLink(address);
  };
  const terminal = new Terminal({
    allowProposedApi: true,
    scrollback,
    fontFamily: '"JetBrains Mono Variable", ui-monospace, monospace',
    fontSize: 13,
    lineHeight: 1.25,
    theme: themeNow(),
    minimumContrastRatio: 4.5,
    linkHandler: { activate: link, allowNonHttpProtocols: false },
    macOptionIsMeta: true,
  });
  const fit = new FitAddon();
  const search = new SearchAddon();
  for (const addon of [fit, search, new WebLinksAddon(link), new UnicodeGraphemesAddon()])
    terminal.loadAddon(addon);
  leaveAnswersToTheCore(terminal);
  // With Shift these are the window's own keys: they leave the terminal, and search it.
  terminal.attachCustomKeyEventHandler((event) => !(event.ctrlKey && event.shiftKey));
  terminal.open(element);
  terminal.textarea?.setAttribute('aria-label', t.terminals.leave);
  return {
    terminal,
    fit: () => {
      if (element.clientWidth > 0 && element.clientHeight > 0) fit.fit();
    },
    search,
    dispose: () => terminal.dispose(),
  };
}

/** Every viewer would answer a program's question, and again at each replay. */
function leaveAnswersToTheCore(terminal: Terminal): void {
  const { parser } = terminal;
  const handled = () => true;
  for (const prefix of ['', '>', '='])
    parser.registerCsiHandler({ ...(prefix === '' ? {} : { prefix }), final: 'c' }, handled);
  for (const prefix of ['', '?'])
    parser.registerCsiHandler({ ...(prefix === '' ? {} : { prefix }), final: 'n' }, handled);
  for (const prefix of ['', '?'])
    parser.registerCsiHandler(
      { ...(prefix === '' ? {} : { prefix }), intermediates: '$', final: 'p' },
      handled,
    );
  parser.registerCsiHandler({ prefix: '>', final: 'q' }, handled);
  parser.registerCsiHandler({ prefix: '?', final: 'u' }, handled);
  parser.registerCsiHandler({ final: 't' }, handled);
  parser.registerDcsHandler({ intermediates: '$', final: 'q' }, handled);
  for (const colour of [4, 10, 11, 12]) parser.registerOscHandler(colour, (data) => data.includes('?'));
  parser.registerOscHandler(52, handled);
}
