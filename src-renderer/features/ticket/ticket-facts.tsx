import type { ReactNode } from 'react';
import type { TicketDetail } from '../../../src-main/contract/tickets.ts';
import { runtimeTitle } from '../../choices.ts';
import { t } from '../../strings/en.ts';
import { BrandMark } from '../../ui/brand-mark.tsx';
import { Link } from '../../ui/link.tsx';
import { Ago, Code, Command, Line, Money, Prose } from '../../ui/text.tsx';
import css from './ticket-facts.module.css';

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div className={css.fact}>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function Codes({ items }: { items: readonly string[] }) {
  return (
    <ul className={css.codes}>
      {items.map((item, index) => (
        <li key={index}>
          <Code text={item} />
        </li>
      ))}
    </ul>
  );
}

function Commands({ commands }: { commands: readonly string[] }) {
  return (
    <div className={css.commands}>
      {commands.map((command, index) => (
        <Command key={index} text={command} />
      ))}
    </div>
  );
}

function Tickets({ ids }: { ids: readonly string[] }) {
  return (
    <ul className={css.codes}>
      {ids.map((id, index) => (
        <li key={index}>
          <Link to={`/ticket/${id}`} className={css.link}>
            {id}
          </Link>
        </li>
      ))}
    </ul>
  );
}

/** What is known of a ticket, as names and values. */
export function TicketFacts({ ticket }: { ticket: TicketDetail }) {
  const checks = [ticket.checks.test, ticket.checks.lint].filter(
    (command) => command !== '' && command !== 'none',
  );
  return (
    <>
      {ticket.description !== '' && <Prose text={ticket.description} className={css.description} />}
      <dl className={css.facts}>
        <Fact name={t.ticket.id}>
          <span className={css.id}>{ticket.id}</span>
        </Fact>
        <Fact name={t.ticket.brand}>
          <BrandMark id={ticket.brand} />
        </Fact>
        {ticket.why !== '' && (
          <Fact name={t.approvals.why}>
            <Prose text={ticket.why} />
          </Fact>
        )}
        <Fact name={t.ticket.runtime}>
          {runtimeTitle(ticket.runtime)}
          {ticket.runtime !== 'command' && (
            <>
              {' · '}
              {ticket.model === null ? t.modelClasses[ticket.modelClass] : <Line text={ticket.model} />}
            </>
          )}
        </Fact>
        {ticket.command !== null && (
          <Fact name={t.ticket.command}>
            <Command text={ticket.command} />
          </Fact>
        )}
        {ticket.commit !== null && (
          <Fact name={t.ticket.commit}>
            <Code text={ticket.commit.slice(0, 12)} />
          </Fact>
        )}
        <Fact name={t.ticket.cost}>
          <Money usd={ticket.costUsd} /> {t.ticket.of} <Money usd={ticket.costCapUsd} />
        </Fact>
        <Fact name={t.ticket.repository}>
          <Line text={ticket.repository} />
        </Fact>
        <Fact name={t.ticket.paths}>
          {ticket.paths.length === 0 ? t.ticket.wholeRepository : <Codes items={ticket.paths} />}
        </Fact>
        {ticket.acceptance.length > 0 && (
          <Fact name={t.ticket.acceptance}>
            <Commands commands={ticket.acceptance} />
          </Fact>
        )}
        {checks.length > 0 && (
          <Fact name={t.ticket.checks}>
            <Commands commands={checks} />
          </Fact>
        )}
        <Fact name={t.approvals.network}>
          {ticket.network.length > 0 ? (
            <Codes items={ticket.network} />
          ) : ticket.runtime === 'command' ? (
            t.approvals.noNetworkAtAll
          ) : (
            t.approvals.noNetwork
          )}
        </Fact>
        {ticket.grants.length > 0 && (
          <Fact name={t.approvals.grants}>
            <Codes items={ticket.grants} />
          </Fact>
        )}
        {ticket.dependsOn.length > 0 && (
          <Fact name={t.approvals.dependsOn}>
            <Tickets ids={ticket.dependsOn} />
          </Fact>
        )}
        {ticket.blocks.length > 0 && (
          <Fact name={t.ticket.blocks}>
            <Tickets ids={ticket.blocks} />
          </Fact>
        )}
        {ticket.predecessor !== null && (
          <Fact name={t.ticket.predecessor}>
            <Tickets ids={[ticket.predecessor]} />
          </Fact>
        )}
        {ticket.successor !== null && (
          <Fact name={t.ticket.successor}>
            <Tickets ids={[ticket.successor]} />
          </Fact>
        )}
        {ticket.mergedCommit !== null && (
          <Fact name={t.ticket.merged}>
            <Code text={ticket.mergedCommit.slice(0, 12)} />
          </Fact>
        )}
        {ticket.references.length > 0 && (
          <Fact name={t.ticket.references}>
            <Codes items={ticket.references} />
          </Fact>
        )}
        <Fact name={t.ticket.changed}>
          <Ago at={ticket.updatedAt} />
        </Fact>
        <Fact name={t.ticket.hash}>
          <Code text={ticket.hash.slice(0, 12)} />
        </Fact>
      </dl>
    </>
  );
}
