import { CircleDot, CircleHelp, CircleDashed } from 'lucide-react';
import { Popover } from 'radix-ui';
import { useState } from 'react';
import { visible, visibleLine } from '../../format.ts';
import { t } from '../../strings/en.ts';
import { Ago, Code } from '../../ui/text.tsx';
import css from './claim-mark.module.css';
import { Link } from '../../ui/link.tsx';
import type { Claim } from './markdown.tsx';

const icons = { high: CircleDot, medium: CircleDashed, low: CircleHelp };
const ticketIn = /T-[a-z][a-z0-9-]{0,31}-[1-9][0-9]{0,8}/;

/** A claim's words without the marks of markdown around them. */
const plain = (text: string): string => text.replaceAll(/\*\*|`/g, '');

/** What a source names, and the ticket behind it where there is one. */
export function Source({ text }: { text: string }) {
  const ticket = ticketIn.exec(text)?.[0];
  if (ticket === undefined) return <Code text={text} />;
  return (
    <Link to={`/ticket/${ticket}`} className={css.source}>
      {visibleLine(text)}
    </Link>
  );
}

/** Beside a claim: how sure it is and how old. Its evidence opens without leaving. */
export function ClaimMark({ claim }: { claim: Claim }) {
  const [open, setOpen] = useState(false);
  const level = claim.confidence === 'high' || claim.confidence === 'medium' ? claim.confidence : 'low';
  const Icon = icons[level];
  return (
    <Popover.Root open={open} onOpenChange={setOpen}>
      <Popover.Trigger className={css.mark} data-confidence={level}>
        <Icon size={16} strokeWidth={1.5} aria-hidden="true" />
        <span>{visibleLine(claim.confidence)}</span>
        <Ago at={claim.updated} />
        <span className={css.unseen}>{t.wiki.evidenceOf(visibleLine(plain(claim.text)))}</span>
      </Popover.Trigger>
      <Popover.Portal>
        <Popover.Content
          className={css.evidence}
          side="left"
          align="start"
          sideOffset={8}
          aria-label={t.wiki.evidence}
        >
          <p className={css.title}>{t.wiki.evidence}</p>
          <p dir="auto">{visible(plain(claim.text))}</p>
          {claim.sources.length === 0 ? (
            <p className={css.quiet}>{t.wiki.noSources}</p>
          ) : (
            <ul>
              {claim.sources.map((source, index) => (
                <li key={index}>
                  <Source text={source} />
                </li>
              ))}
            </ul>
          )}
        </Popover.Content>
      </Popover.Portal>
    </Popover.Root>
  );
}
