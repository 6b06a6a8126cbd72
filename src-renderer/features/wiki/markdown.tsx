import type { Element, ElementContent, Root as HastRoot } from 'hast';
import { toJsxRuntime } from 'hast-util-to-jsx-runtime';
import type { Link as MdLink, Nodes, PhrasingContent, Root as MdRoot } from 'mdast';
import { memo } from 'react';
import type { ReactNode } from 'react';
import { Fragment, jsx, jsxs } from 'react/jsx-runtime';
import rehypeSanitize, { defaultSchema } from 'rehype-sanitize';
import remarkFrontmatter from 'remark-frontmatter';
import remarkGfm from 'remark-gfm';
import remarkParse from 'remark-parse';
import remarkRehype from 'remark-rehype';
import { unified } from 'unified';
import type { PageView } from '../../../src-main/contract/wiki.ts';
import { visible, visibleLine } from '../../format.ts';
import { pathOfLink } from '../../routes.ts';
import { t } from '../../strings/en.ts';
import { Link } from '../../ui/link.tsx';
import { ClaimMark } from './claim-mark.tsx';
import css from './markdown.module.css';

export type Claim = PageView['claims'][number];

const wikiScheme = 'atrium-page:';
const wikilink = /\[\[([^[\]|\n]{1,300})(?:\|([^[\]\n]{1,300}))?\]\]/g;
const ticketId = /^T-[a-z][a-z0-9-]{0,31}-[1-9][0-9]{0,8}$/;

function linksIn(value: string): PhrasingContent[] {
  const parts: PhrasingContent[] = [];
  let from = 0;
  for (const match of value.matchAll(wikilink)) {
    const target = match[1]?.trim() ?? '';
    if (match.index > from) parts.push({ type: 'text', value: value.slice(from, match.index) });
    const link: MdLink = {
      type: 'link',
      url: wikiScheme + encodeURIComponent(target),
      children: [{ type: 'text', value: match[2]?.trim() ?? target }],
    };
    parts.push(link);
    from = match.index + match[0].length;
  }
  if (from < value.length) parts.push({ type: 'text', value: value.slice(from) });
  return parts;
}

/** `[[page]]` and `[[page|words]]` become links, except in code. */
function remarkWikilinks() {
  const walk = (node: Nodes): void => {
    if (!('children' in node)) return;
    const children = node.children as Nodes[];
    node.children = children.flatMap((child) =>
      child.type === 'text' && child.value.includes('[[') ? linksIn(child.value) : [child],
    ) as typeof node.children;
    for (const child of node.children) if (child.type !== 'link') walk(child);
  };
  return (tree: MdRoot) => walk(tree);
}

const schema: typeof defaultSchema = {
  ...defaultSchema,
  protocols: {
    ...defaultSchema.protocols,
    href: ['http', 'https', 'mailto', wikiScheme.slice(0, -1)],
    src: [],
  },
};

const processor = unified()
  .use(remarkParse)
  .use(remarkGfm)
  .use(remarkFrontmatter, ['yaml'])
  .use(remarkWikilinks)
  .use(remarkRehype)
  .use(rehypeSanitize, schema);

function textOf(node: HastRoot | ElementContent): string {
  if (node.type === 'text') return node.value;
  return 'children' in node
    ? node.children.map((child) => (child.type === 'doctype' ? '' : textOf(child))).join('')
    : '';
}

// A claim is kept as it was written, a block as it is shown: compared without marks.
const flat = (text: string) =>
  text
    .replace(/\[\[(?:[^[\]|]*\|)?([^[\]]*)\]\]/g, '$1')
    .replace(/\\([!-/:-@[-`{-~])/g, '$1')
    .replace(/[*_`]/g, '')
    .replace(/\s+/g, ' ')
    .trim()
    .toLowerCase();
const marked = new Set(['p', 'li', 'td', 'h2', 'h3']);

/** Puts each claim's index at the innermost block that says it; returns what no block says. */
function placeClaims(tree: HastRoot, claims: readonly Claim[]): Claim[] {
  const unplaced = new Set(claims);
  const walk = (node: HastRoot | Element) => {
    for (const child of node.children) if (child.type === 'element') walk(child);
    if (node.type !== 'element' || !marked.has(node.tagName)) return;
    const text = flat(textOf(node));
    const here = claims.filter(
      (claim) => unplaced.has(claim) && claim.text.trim() !== '' && text.includes(flat(claim.text)),
    );
    if (here.length === 0) return;
    for (const claim of here) unplaced.delete(claim);
    node.properties['dataClaims'] = here.map((claim) => claims.indexOf(claim)).join(' ');
  };
  walk(tree);
  return [...unplaced];
}

function decoded(target: string): string {
  try {
    return decodeURIComponent(target);
  } catch {
    return target;
  }
}

function shownLink(href: unknown, brand: string, children: ReactNode): ReactNode {
  if (typeof href !== 'string') return <span>{children}</span>;
  if (href.startsWith(wikiScheme)) {
    const target = decoded(href.slice(wikiScheme.length));
    const path = ticketId.test(target) ? `/ticket/${target}` : pathOfLink(target, brand);
    return (
      <Link to={path} className={css.link}>
        {children}
      </Link>
    );
  }
  // The way back from a footnote has nothing to say here; a footnote's number stays.
  if (href.startsWith('#user-content-fnref')) return null;
  if (href.startsWith('#')) return <span>{children}</span>;
  // Nothing outside is opened from a page that an agent may have written: its address is shown, to be copied.
  return (
    <span className={css.outside}>
      {children} <code>{visibleLine(href)}</code>
    </span>
  );
}

interface BlockProps {
  'data-claims'?: string;
  children?: ReactNode;
}

/** The few properties that are looked at of what is shown otherwise than it is written. */
interface ShownProps {
  href?: string | undefined;
  alt?: string | undefined;
  checked?: boolean | undefined;
  children?: ReactNode;
}

interface MarkdownProps {
  text: string;
  /** Whose page it is. */
  brand: string;
  claims: readonly Claim[];
}

/** A page's text as elements: nothing of it is markup that runs, nothing loads from elsewhere. */
export const Markdown = memo(function Markdown({ text, brand, claims }: MarkdownProps) {
  const tree = processor.runSync(processor.parse(visible(text)));
  const unplaced = placeClaims(tree, claims);
  const marks = (which: string | undefined) =>
    which === undefined ? null : (
      <span className={css.margin}>
        {which.split(' ').map((index) => {
          const claim = claims[Number(index)];
          return claim === undefined ? null : <ClaimMark key={index} claim={claim} />;
        })}
      </span>
    );
  const block = (Tag: 'p' | 'li' | 'td' | 'h2' | 'h3') =>
    function Block({ 'data-claims': which, children }: BlockProps) {
      const Shown = Tag === 'h2' ? 'h3' : Tag === 'h3' ? 'h4' : Tag;
      return (
        <Shown dir="auto" className={css.block}>
          {children}
          {marks(which)}
        </Shown>
      );
    };
  return (
    <>
      {toJsxRuntime(tree, {
        Fragment,
        jsx,
        jsxs,
        components: {
          a: ({ href, children }: ShownProps) => shownLink(href, brand, children),
          img: ({ alt }: ShownProps) => (
            <span className={css.outside}>{t.wiki.picture(visibleLine(alt ?? ''))}</span>
          ),
          h1: ({ children }: ShownProps) => <h2 dir="auto">{children}</h2>,
          h2: block('h2'),
          h3: block('h3'),
          p: block('p'),
          li: block('li'),
          td: block('td'),
          pre: ({ children }: ShownProps) => (
            <pre tabIndex={0} className={css.pre}>
              {children}
            </pre>
          ),
          input: ({ checked }: ShownProps) => (
            <span className={css.outside}>{checked === true ? '☑' : '☐'}</span>
          ),
        },
      })}
      {unplaced.length > 0 && (
        <section className={css.others} aria-label={t.wiki.otherClaims}>
          <h3>{t.wiki.otherClaims}</h3>
          <ul>
            {unplaced.map((claim, index) => (
              <li key={index} className={css.block}>
                <span dir="auto">{visible(claim.text)}</span>
                <span className={css.margin}>
                  <ClaimMark claim={claim} />
                </span>
              </li>
            ))}
          </ul>
        </section>
      )}
    </>
  );
});
