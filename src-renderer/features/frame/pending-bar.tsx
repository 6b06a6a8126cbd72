import { Check } from 'lucide-react';
import { useEffect, useState } from 'react';
import { type Pending, dismiss, sendAgain, undo, useDecisions } from '../../decisions.ts';
import { sentence, visible, visibleLine } from '../../format.ts';
import { go } from '../../router.ts';
import { t } from '../../strings/en.ts';
import { Button } from '../../ui/button.tsx';
import css from './pending-bar.module.css';

function useSecondsLeft(at: number): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 200);
    return () => clearInterval(timer);
  }, []);
  return Math.max(0, Math.ceil((at - now) / 1_000));
}

function Open({ decision, others }: { decision: Pending; others: number }) {
  const left = useSecondsLeft(decision.sendsAt);
  const takeBack = () => {
    undo(decision.id);
    go(decision.place);
  };
  return (
    <div className={css.bar} data-pending={decision.id}>
      <Check size={16} strokeWidth={1.5} aria-hidden="true" className={css.mark} />
      <p className={css.text}>
        {t.approvals.approved} <span dir="auto">{visibleLine(decision.title)}</span>
        {others > 0 && <span className={css.quiet}> {t.approvals.andOthers(others)}</span>}
      </p>
      <span className={css.quiet}>{t.approvals.closingCancels}</span>
      <Button shortcut="z" onClick={takeBack} disabled={decision.sending}>
        {t.approvals.undoIn(left)}
      </Button>
    </div>
  );
}

function NotTaken({ decision }: { decision: Pending }) {
  const failure = decision.failure;
  if (failure === null) return null;
  const retry = failure.code === 'core-unreachable' || failure.code === 'fault';
  return (
    <div className={css.bar} role="alert">
      <p className={css.text}>
        {sentence(t.approvals.notTaken(visibleLine(decision.title), visible(failure.message)))}{' '}
        {sentence(visible(failure.hint))}
      </p>
      {retry && <Button onClick={() => sendAgain(decision.id)}>{t.approvals.sendAgain}</Button>}
      <Button
        onClick={() => {
          dismiss(decision.id);
          go(decision.place);
        }}
      >
        {t.approvals.readAgain}
      </Button>
    </div>
  );
}

/** What was approved in this window and is not with the core yet, with the way back. */
export function PendingBar() {
  const pending = useDecisions((state) => state.pending);
  const open = pending.filter((each) => each.failure === null);
  const latest = open.at(-1);
  return (
    <>
      {pending
        .filter((each) => each.failure !== null)
        .map((each) => (
          <NotTaken key={each.id} decision={each} />
        ))}
      {latest !== undefined && <Open key={latest.id} decision={latest} others={open.length - 1} />}
    </>
  );
}
