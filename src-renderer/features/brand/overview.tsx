import type { BrandView, RepositoryView } from '../../../src-main/contract/brands.ts';
import { visible } from '../../format.ts';
import { useLive } from '../../store.ts';
import { t } from '../../strings/en.ts';
import { Row, Rows } from '../../ui/list.tsx';
import { Empty } from '../../ui/said.tsx';
import { Fact, Facts, Section } from '../../ui/section.tsx';
import { StateMark } from '../../ui/state-mark.tsx';
import { Ago, Code, Line } from '../../ui/text.tsx';
import { markOf, placeOf, useWaiting } from '../../waiting.ts';
import css from './brand.module.css';

/** One repository: where it is, its checks, and what they said about its branch as it is. */
export function Repository({ repository }: { repository: RepositoryView }) {
  return (
    <div className={css.repository}>
      <Facts>
        <Fact name={t.brand.folder}>
          <Code text={repository.path} />
        </Fact>
        <Fact name={t.brand.branch}>
          <Line text={repository.branch} />
        </Fact>
        <Fact name={t.brand.setup}>
          <Code text={repository.checks.setup} />
        </Fact>
        <Fact name={t.brand.test}>
          <Code text={repository.checks.test} />
        </Fact>
        <Fact name={t.brand.lint}>
          <Code text={repository.checks.lint} />
        </Fact>
        <Fact name={t.brand.baseline}>
          <StateMark state={repository.baseline} word={t.brand.baselines[repository.baseline]} />
          {repository.detail !== '' && <p className={css.detail}>{visible(repository.detail)}</p>}
        </Fact>
      </Facts>
    </div>
  );
}

/** What a brand is, and what waits in it. */
export function Overview({ brand }: { brand: BrandView }) {
  const waiting = useWaiting().filter((each) => each.brand === brand.id);
  const tickets = useLive((live) => live.tickets);
  const working = Object.values(tickets).filter(
    (ticket) => ticket.brand === brand.id && (ticket.state === 'in_progress' || ticket.state === 'verifying'),
  );
  return (
    <>
      {brand.sealed && <p className={css.note}>{t.brand.sealedText}</p>}
      <Section title={t.today.needsYou}>
        {waiting.length === 0 ? (
          <Empty title={t.today.nothingWaits} />
        ) : (
          <Rows label={t.today.needsYou}>
            {waiting.map((each) => (
              <Row key={each.key} to={placeOf(each)}>
                <StateMark state={markOf[each.kind]} word={t.today.waits[each.kind]} />
                <Line text={each.title} className={css.title} />
                <Ago at={each.since} />
              </Row>
            ))}
          </Rows>
        )}
      </Section>
      <Section title={t.brand.working}>
        {working.length === 0 ? (
          <Empty title={t.today.nothingRuns} />
        ) : (
          <Rows label={t.brand.working}>
            {working.map((ticket) => (
              <Row key={ticket.id} to={`/ticket/${ticket.id}`}>
                <StateMark state={ticket.state} />
                <Line text={ticket.title} className={css.title} />
                <Line text={ticket.reason} className={css.reason} />
              </Row>
            ))}
          </Rows>
        )}
      </Section>
      {brand.repositories.map((repository) => (
        <Section key={repository.name} title={t.brand.repository(repository.name)}>
          <Repository repository={repository} />
        </Section>
      ))}
    </>
  );
}
