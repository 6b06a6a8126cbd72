import type { TicketDetail } from '../../../src-main/contract/tickets.ts';
import { runtimeTitle } from '../../choices.ts';
import { count, money, visible, visibleLine } from '../../format.ts';
import { useQuery } from '../../query.ts';
import { t } from '../../strings/en.ts';
import { BrandMark } from '../../ui/brand-mark.tsx';
import { Link } from '../../ui/link.tsx';
import { Code, Command, Line, Prose } from '../../ui/text.tsx';
import { Plan } from '../ticket/plan.tsx';
import css from './approvals.module.css';
import { Part } from './decision-card.tsx';
import { changedSince } from './changed.ts';
import { needsCommand, risksOf } from './risks.ts';

function Names({ names }: { names: readonly string[] }) {
  return (
    <ul className={css.list}>
      {names.map((name, index) => (
        <li key={index}>
          <Code text={name} />
        </li>
      ))}
    </ul>
  );
}

function Commands({ title, commands }: { title: string; commands: readonly string[] }) {
  if (commands.length === 0) return null;
  return (
    <div className={css.list}>
      <p className={css.quiet}>{title}</p>
      {commands.map((command, index) => (
        <Command key={index} text={command} />
      ))}
    </div>
  );
}

function Reach({ ticket }: { ticket: TicketDetail }) {
  const query = useQuery(`reach/${ticket.id}`, ticket.hash, (client) =>
    client.ticket.reach({ id: ticket.id }),
  );
  const filesOf = (glob: string) => query.value?.find((each) => each.glob === glob)?.files;
  if (ticket.paths.length === 0) {
    const all = query.value?.reduce((sum, each) => sum + each.files, 0);
    return (
      <p>
        {t.approvals.wholeRepository(visibleLine(ticket.repository))}
        {all !== undefined && all > 0 && (
          <span className={css.quiet}> {t.approvals.files(count(all), all)}</span>
        )}
      </p>
    );
  }
  return (
    <ul className={css.list}>
      {ticket.paths.map((glob, index) => {
        const files = filesOf(glob);
        return (
          <li key={index} className={css.glob}>
            <Code text={glob} />
            <span className={css.quiet}>
              {files === undefined
                ? query.failure === null
                  ? ''
                  : t.approvals.filesUnknown
                : files === 0
                  ? t.approvals.noFiles
                  : t.approvals.files(count(files), files)}
            </span>
          </li>
        );
      })}
    </ul>
  );
}

/** Everything that an approval covers, on one card. */
export function ApprovalCard({ ticket }: { ticket: TicketDetail }) {
  const predecessor = useQuery(
    ticket.predecessor === null ? null : `ticket/${ticket.predecessor}`,
    0,
    (client) => client.ticket.show({ id: ticket.predecessor ?? '' }),
  );
  const changed = changedSince(ticket, predecessor.value);
  const risks = risksOf(ticket);
  const checks = [ticket.checks.test, ticket.checks.lint].filter(
    (command) => command !== '' && command !== 'none',
  );
  return (
    <article className={css.card} aria-labelledby="approval-title">
      <header className={css.cardHead}>
        <p className={css.where}>
          <BrandMark id={ticket.brand} />
          <Link to={`/ticket/${ticket.id}`} className={css.id}>
            {ticket.id}
          </Link>
          <span>{t.approvals.priority(ticket.priority)}</span>
          <span title={ticket.hash} className={css.hash}>
            {t.approvals.hash(ticket.hash.slice(0, 12))}
          </span>
        </p>
        <h2 id="approval-title" className={css.title} dir="auto">
          {visibleLine(ticket.title)}
          {changed.has('title') && <span className={css.changed}>{t.approvals.changed}</span>}
        </h2>
        {ticket.predecessor !== null && (
          <p className={css.follows}>
            {t.approvals.follows} <Link to={`/ticket/${ticket.predecessor}`}>{ticket.predecessor}</Link>
            {predecessor.value?.blockedReason && (
              <span dir="auto">
                {t.approvals.followsBecause(t.ticket.endedBecause(visible(predecessor.value.blockedReason)))}
              </span>
            )}
          </p>
        )}
        {ticket.description !== '' && <Prose text={ticket.description} className={css.description} />}
      </header>
      {ticket.why !== '' && (
        <Part name={t.approvals.why} changed={changed.has('why')}>
          <Prose text={ticket.why} />
        </Part>
      )}
      {ticket.plans.length > 0 && (
        <Part name={t.approvals.plan}>
          <Plan ticket={ticket} />
        </Part>
      )}
      <Part name={t.approvals.touches} changed={changed.has('paths')}>
        <Reach ticket={ticket} />
      </Part>
      <Part name={t.approvals.checked} changed={changed.has('acceptance') || changed.has('checks')}>
        {checks.length + ticket.acceptance.length === 0 ? (
          <p>{t.approvals.noChecks}</p>
        ) : (
          <>
            <Commands title={t.approvals.ownChecks} commands={checks} />
            <Commands title={t.approvals.acceptance} commands={ticket.acceptance} />
          </>
        )}
        <p className={css.quiet}>{t.approvals.alsoVerifier}</p>
      </Part>
      <Part
        name={t.approvals.who}
        changed={
          changed.has('runtime') ||
          changed.has('modelClass') ||
          changed.has('model') ||
          changed.has('command')
        }
      >
        <p>
          {ticket.commit === null
            ? runtimeTitle(ticket.runtime)
            : t.approvals.proposed(ticket.commit.slice(0, 12))}
          {ticket.runtime !== 'command' && (
            <span className={css.quiet}>
              {' · '}
              {ticket.model === null ? t.modelClasses[ticket.modelClass] : visibleLine(ticket.model)}
            </span>
          )}
          <span className={css.quiet}>
            {' '}
            · {t.approvals.contract(visibleLine(ticket.contract).slice(0, 40))}
          </span>
        </p>
        {ticket.command !== null && <Command text={ticket.command} />}
        {needsCommand(ticket) && <p className={css.needs}>{t.approvals.needsCommand}</p>}
        <p className={css.mode}>
          {ticket.mode === 'plan_first' ? t.approvals.planFirst : t.approvals.direct}{' '}
          {t.approvals.modeBecause(
            visibleLine(ticket.modeDecision.reason),
            visibleLine(ticket.modeDecision.rule),
          )}
        </p>
      </Part>
      <Part name={t.approvals.network} changed={changed.has('network')}>
        {ticket.network.length === 0 ? (
          <p>{ticket.runtime === 'command' ? t.approvals.noNetworkAtAll : t.approvals.noNetwork}</p>
        ) : (
          <Names names={ticket.network} />
        )}
      </Part>
      <Part name={t.approvals.grants} changed={changed.has('grants')}>
        {ticket.grants.length === 0 ? <p>{t.approvals.noGrants}</p> : <Names names={ticket.grants} />}
      </Part>
      {ticket.rules !== undefined && ticket.rules.length > 0 && (
        <Part name={t.approvals.rules} changed={changed.has('rules')}>
          <ul className={css.list}>
            {ticket.rules.map((rule) => (
              <li key={rule.name}>{t.approvals.rule(rule)}</li>
            ))}
          </ul>
        </Part>
      )}
      <Part name={t.approvals.cap} changed={changed.has('costCapUsd')}>
        <p>{t.approvals.capText(money(ticket.costCapUsd))}</p>
      </Part>
      <Part name={t.approvals.dependsOn} changed={changed.has('dependsOn')}>
        {ticket.dependsOn.length === 0 ? (
          <p>{t.approvals.nothing}</p>
        ) : (
          <ul className={css.list}>
            {ticket.dependsOn.map((id) => (
              <li key={id}>
                <Link to={`/ticket/${id}`}>{id}</Link>
              </li>
            ))}
          </ul>
        )}
      </Part>
      <Part name={t.approvals.risks}>
        {risks.length === 0 ? (
          <p>{t.approvals.noRisks}</p>
        ) : (
          <ul className={css.list}>
            {risks.map((risk, index) => (
              <li key={index} className={css.risk}>
                <Line text={risk} />
              </li>
            ))}
          </ul>
        )}
      </Part>
      {ticket.comments.length > 0 && (
        <Part name={t.ticket.comments}>
          {ticket.comments.map((comment, index) => (
            <Prose key={index} text={t.approvals.said(comment.by, comment.text)} />
          ))}
        </Part>
      )}
    </article>
  );
}
