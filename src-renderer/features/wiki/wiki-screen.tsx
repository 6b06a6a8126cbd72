import { useDeferredValue, useEffect, useRef, useState } from 'react';
import type { PageView, SearchHit } from '../../../src-main/contract/wiki.ts';
import { visible, visibleLine } from '../../format.ts';
import { useKeys } from '../../keys.ts';
import { useQuery } from '../../query.ts';
import { pathOfPage } from '../../routes.ts';
import { useLive } from '../../store.ts';
import { t } from '../../strings/en.ts';
import { BrandMark } from '../../ui/brand-mark.tsx';
import { TextInput } from '../../ui/field.tsx';
import { Kbd } from '../../ui/kbd.tsx';
import { Link } from '../../ui/link.tsx';
import { Row, Rows } from '../../ui/list.tsx';
import { Empty, Loaded } from '../../ui/said.tsx';
import { Ago, Line } from '../../ui/text.tsx';
import { Page } from '../frame/page.tsx';
import { Source } from './claim-mark.tsx';
import { Markdown } from './markdown.tsx';
import css from './wiki.module.css';

const searchPause = 120;

/** A snippet, with what matched between U+0002 and U+0003 marked. */
function Snippet({ text }: { text: string }) {
  const [before = '', ...rest] = text.split('\u0002');
  return (
    <span className={css.snippet} dir="auto">
      {visibleLine(before)}
      {rest.map((part, index) => {
        const [found = '', after = ''] = part.split('\u0003');
        return (
          <span key={index}>
            <mark className={css.found}>{visibleLine(found)}</mark>
            {visibleLine(after)}
          </span>
        );
      })}
    </span>
  );
}

function Hits({ hits, page }: { hits: readonly SearchHit[]; page: string | null }) {
  if (hits.length === 0) return <Empty title={t.wiki.noHits} />;
  return (
    <Rows label={t.wiki.hits(hits.length)}>
      {hits.map((hit) => (
        <Row key={hit.page} to={pathOfPage(hit.page)} selected={hit.page === page} className={css.hit}>
          <BrandMark id={hit.brand} bare />
          <span className={css.hitText}>
            <Line text={hit.title} />
            <Snippet text={hit.snippet} />
          </span>
        </Row>
      ))}
    </Rows>
  );
}

interface Listed {
  page: string;
  title: string;
  brand: string;
}

function Tree({ pages, page }: { pages: readonly Listed[]; page: string | null }) {
  if (pages.length === 0) return <Empty title={t.wiki.empty}>{t.wiki.purpose}</Empty>;
  const brands = [...new Set(pages.map((each) => each.brand))];
  return brands.map((brand) => (
    <section key={brand} className={css.group} aria-label={brand}>
      <h2 className={css.groupName}>{brand === '_global' ? t.wiki.global : <BrandMark id={brand} />}</h2>
      <Rows label={t.wiki.pagesOf(brand)}>
        {pages
          .filter((each) => each.brand === brand)
          .map((each) => (
            <Row key={each.page} to={pathOfPage(each.page)} selected={each.page === page}>
              <Line text={each.title} className={css.title} />
            </Row>
          ))}
      </Rows>
    </section>
  ));
}

/** The text of a page under its title: a heading that only says the title again is left out. */
function withoutTitle({ body, title }: PageView): string {
  return body.replace(/^\s*# (.+)\n/, (whole, heading: string) => (heading.trim() === title ? '' : whole));
}

function Reading({ page }: { page: PageView }) {
  return (
    <article className={css.article}>
      <header className={css.head}>
        <h2 className={css.pageTitle}>
          <Line text={page.title} />
        </h2>
        <p className={css.facts}>
          <BrandMark id={page.brand} />
          <span>{t.wiki.confidence(visibleLine(page.confidence))}</span>
          <span>{t.wiki.authority(visibleLine(page.authority))}</span>
          <Ago at={page.updated} />
        </p>
      </header>
      <div className={css.body}>
        <Markdown text={withoutTitle(page)} brand={page.brand} claims={page.claims} />
      </div>
      <footer className={css.foot}>
        {page.sources.length > 0 && (
          <section aria-labelledby="page-sources">
            <h3 id="page-sources">{t.wiki.sources}</h3>
            <ul>
              {page.sources.map((source, index) => (
                <li key={index} className={css.sourceLine}>
                  <span className={css.quiet}>{visible(source.kind)}</span> <Source text={source.ref} />
                </li>
              ))}
            </ul>
          </section>
        )}
        <section aria-labelledby="page-backlinks">
          <h3 id="page-backlinks">{t.wiki.backlinks}</h3>
          {page.backlinks.length === 0 ? (
            <p className={css.quiet}>{t.wiki.noBacklinks}</p>
          ) : (
            <ul>
              {page.backlinks.map((each, index) => (
                <li key={index}>
                  <Link to={pathOfPage(each)} className={css.link}>
                    {visibleLine(each)}
                  </Link>
                </li>
              ))}
            </ul>
          )}
        </section>
      </footer>
    </article>
  );
}

/** Search and the tree on the left, one page at reading width. */
export function WikiScreen({ page }: { page: string | null }) {
  const [words, setWords] = useState('');
  const [asked, setAsked] = useState('');
  const shown = useDeferredValue(asked);
  const input = useRef<HTMLInputElement>(null);
  const revision = useLive((live) => live.pages);
  const list = useQuery('wiki/list', revision, (client) => client.wiki.list({}));
  const hits = useQuery(shown === '' ? null : `wiki/search/${shown}`, revision, (client) =>
    client.wiki.search({ query: shown, limit: 50 }),
  );
  const reading = useQuery(page === null ? null : `wiki/page/${page}`, revision, (client) =>
    client.wiki.show({ page: page ?? '' }),
  );
  useEffect(() => {
    const timer = setTimeout(() => setAsked(words.trim()), searchPause);
    return () => clearTimeout(timer);
  }, [words]);
  useKeys(t.nav.wiki, [
    { key: '/', label: t.wiki.search, run: () => input.current?.focus() },
    {
      key: 'Escape',
      label: t.wiki.clear,
      when: words !== '',
      typing: true,
      run: () => {
        setWords('');
        input.current?.blur();
      },
    },
  ]);
  return (
    <Page title={t.nav.wiki} width="full">
      <div className={css.split}>
        <div className={css.left} role="search">
          <div className={css.search}>
            <TextInput
              ref={input}
              type="search"
              aria-label={t.wiki.search}
              placeholder={t.wiki.search}
              value={words}
              maxLength={1_000}
              onChange={(event) => setWords(event.target.value)}
            />
            <span className={css.searchKey}>
              <Kbd keys="/" />
            </span>
          </div>
          <div className={css.results}>
            {shown === '' ? (
              <Loaded query={list}>{(pages) => <Tree pages={pages} page={page} />}</Loaded>
            ) : (
              <Loaded query={hits}>{(found) => <Hits hits={found} page={page} />}</Loaded>
            )}
          </div>
        </div>
        <div className={css.page} tabIndex={0} role="region" aria-label={t.wiki.page} key={page}>
          {page === null ? (
            <Empty title={t.wiki.choose}>{t.wiki.purpose}</Empty>
          ) : (
            <Loaded query={reading} rows={10}>
              {(value) => <Reading page={value} />}
            </Loaded>
          )}
        </div>
      </div>
    </Page>
  );
}
