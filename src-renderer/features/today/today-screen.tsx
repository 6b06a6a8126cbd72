import { useState } from 'react';
import { runtimeTitle } from '../../choices.ts';
import { share } from '../../format.ts';
import { runsOf, useLive } from '../../store.ts';
import { t } from '../../strings/en.ts';
import { BrandMark } from '../../ui/brand-mark.tsx';
import { Kbd } from '../../ui/kbd.tsx';
import { Row, Rows } from '../../ui/list.tsx';
import { Empty } from '../../ui/said.tsx';
import { Section } from '../../ui/section.tsx';
import { StateMark } from '../../ui/state-mark.tsx';
import { Ago, Line, Money } from '../../ui/text.tsx';
import { markOf, placeOf, useWaiting } from '../../waiting.ts';
import { Page } from '../frame/page.tsx';
import { Lacks } from '../onboarding/lacks.tsx';
import { Ask, typed } from './ask.tsx';
import { Day } from './day.tsx';
import { Since } from './since.tsx';
import css from './today.module.css';

const shownAtMost = 12;

function NeedsYou() {
  const waiting = useWaiting();
  return (
    <Section
      title={t.today.needsYou}
      aside={
        waiting.length > 0 ? (
          <span className={css.key}>
            {t.keys.next} <Kbd keys="n" />
          </span>
        ) : undefined
      }
    >
      {waiting.length === 0 ? (
        <Empty title={t.today.nothingWaits} />
      ) : (
        <Rows label={t.today.needsYou}>
          {waiting.slice(0, shownAtMost).map((each) => (
            <Row key={each.key} to={placeOf(each)} className={css.row}>
              <span className={css.brand}>
                <BrandMark id={each.brand} />
              </span>
              <StateMark state={markOf[each.kind]} word={t.today.waits[each.kind]} />
              <Line text={each.title} className={css.title} />
              {each.kind !== 'approval' && <Line text={each.detail} className={css.reason} />}
              <Ago at={each.since} />
            </Row>
          ))}
          {waiting.length > shownAtMost && (
            <Row to="/approvals">
              <span className={css.quiet}>{t.today.more(waiting.length - shownAtMost)}</span>
            </Row>
          )}
        </Rows>
      )}
    </Section>
  );
}

function Running() {
  const runs = useLive((live) => live.runs);
  const running = runsOf(runs).filter((run) => run.state === 'running');
  return (
    <Section title={t.today.running}>
      {running.length === 0 ? (
        <Empty title={t.today.nothingRuns} />
      ) : (
        <Rows label={t.today.running}>
          {running.map((run) => (
            <Row
              key={run.id}
              to={run.ticket === null ? `/brand/${run.brand}/runs` : `/ticket/${run.ticket}`}
              className={css.row}
            >
              <span className={css.brand}>
                <BrandMark id={run.brand} />
              </span>
              <span className={css.id}>{run.ticket ?? t.runs.role(run.role)}</span>
              <span className={css.runtime}>{runtimeTitle(run.runtime)}</span>
              <Line text={run.reason} className={css.title} />
              {run.contextUsed !== null && (
                <span className={css.quiet}>{t.runs.context(share(run.contextUsed))}</span>
              )}
              <Money usd={run.costUsd} />
              <Ago at={run.startedAt} />
            </Row>
          ))}
        </Rows>
      )}
    </Section>
  );
}

/** What should be done, what the day did, what waits, what runs, what changed. */
export function TodayScreen() {
  const lacks = useLive((live) => live.lacks);
  const [typing, setTyping] = useState(() => typed().trim() !== '');
  return (
    <Page title={t.nav.today}>
      <>
        <Ask onTyping={setTyping} />
        {lacks.length > 0 && (
          <Section title={t.lacks.title}>
            <Lacks />
          </Section>
        )}
        <Day first={!typing} />
        <NeedsYou />
        <Running />
        <Since />
      </>
    </Page>
  );
}
