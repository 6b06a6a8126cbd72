import { Square } from 'lucide-react';
import { useState } from 'react';
import type { Failure } from '../../../src-main/contract/errors.ts';
import type { RunView } from '../../../src-main/contract/runs.ts';
import { runtimeTitle } from '../../choices.ts';
import { ask, commandId } from '../../connection.ts';
import { fold } from '../../feed.ts';
import { count, share } from '../../format.ts';
import { runsOf, useLive } from '../../store.ts';
import { t } from '../../strings/en.ts';
import { IconButton } from '../../ui/button.tsx';
import { Empty, Failed } from '../../ui/said.tsx';
import { StateMark } from '../../ui/state-mark.tsx';
import { Ago, Line, Money } from '../../ui/text.tsx';
import { Link } from '../../ui/link.tsx';
import { Fold } from '../ticket/fold.tsx';
import { RunOutputView } from '../ticket/run-output.tsx';
import css from './runs.module.css';
import { useStableOrder } from './stable.ts';
import { NewRows } from '../../ui/list.tsx';

function Run({ run }: { run: RunView }) {
  const [failure, setFailure] = useState<Failure | null>(null);
  const live = run.state === 'running';
  const stop = async () => {
    const answer = await ask((client) => client.run.stop({ id: run.id, commandId: commandId() }));
    if (answer.ok) useLive.setState(fold(useLive.getState(), { kind: 'run', run: answer.value }));
    else setFailure(answer.failure);
  };
  return (
    <li className={css.run}>
      <div className={css.row}>
        <Fold
          title={
            <span className={css.head} data-row="">
              <span className={css.state}>
                <StateMark state={run.state} />
              </span>
              <span className={css.ticket}>{run.ticket}</span>
              <span className={css.role}>{t.runs.role(run.role)}</span>
              <span className={css.quiet}>{runtimeTitle(run.runtime)}</span>
              <Line text={run.reason} className={css.reason} />
              {run.contextUsed !== null && (
                <span className={css.quiet}>{t.runs.context(share(run.contextUsed))}</span>
              )}
              <Money usd={run.costUsd} />
              <Ago at={run.startedAt} />
            </span>
          }
        >
          <p className={css.facts}>
            <code>{run.id}</code>
            {run.ticket !== null && (
              <Link to={`/ticket/${run.ticket}`} className={css.link}>
                {run.ticket}
              </Link>
            )}
            <span>{t.runs.tokens(count(run.tokens.input), count(run.tokens.output))}</span>
            <span>{run.canaries === null ? t.runs.proving : t.runs.canaries(run.canaries)}</span>
            <Line text={run.limits} />
          </p>
          <RunOutputView run={run.id} live={live} />
        </Fold>
        {live ? (
          <IconButton
            label={t.runs.stop(run.id)}
            icon={<Square size={16} strokeWidth={1.5} aria-hidden="true" />}
            onClick={() => void stop()}
          />
        ) : (
          <span className={css.gap} />
        )}
      </div>
      {failure !== null && <Failed failure={failure} onRetry={() => void stop()} />}
    </li>
  );
}

const running = (run: RunView) => (run.state === 'running' ? 0 : 1);

/** A brand's runs: those that live first, each with its output. */
export function Runs({ brand }: { brand: string }) {
  const all = useLive((live) => live.runs);
  const runs = runsOf(all, brand).sort((a, b) => running(a) - running(b));
  const { order, fresh, show } = useStableOrder(
    runs.map((run) => run.id),
    brand,
  );
  if (runs.length === 0) return <Empty title={t.runs.none}>{t.runs.purpose}</Empty>;
  return (
    <>
      <NewRows count={fresh} label={t.newRows(fresh)} onShow={show} />
      <ul aria-label={t.brand.tabs.runs}>
        {order.map((id) => {
          const run = all[id];
          return run === undefined ? null : <Run key={id} run={run} />;
        })}
      </ul>
    </>
  );
}
