import {
  Ban,
  Check,
  Circle,
  CircleDashed,
  CircleDot,
  CircleHelp,
  CirclePause,
  CircleX,
  Hand,
  Loader,
  SkipForward,
  TriangleAlert,
} from 'lucide-react';
import type { LucideIcon } from 'lucide-react';
import { t } from '../strings/en.ts';
import css from './state-mark.module.css';

export type Tone = 'running' | 'needs-you' | 'passed' | 'failed' | 'unverified' | 'blocked' | 'idle';

const marks: Record<keyof typeof t.states, { icon: LucideIcon; tone: Tone }> = {
  // Tickets
  draft: { icon: CircleDashed, tone: 'needs-you' },
  ready: { icon: Circle, tone: 'idle' },
  in_progress: { icon: CircleDot, tone: 'running' },
  verifying: { icon: Loader, tone: 'running' },
  merged: { icon: Check, tone: 'passed' },
  blocked: { icon: Ban, tone: 'blocked' },
  // Runs and attempts
  running: { icon: CircleDot, tone: 'running' },
  submitted: { icon: Loader, tone: 'running' },
  done: { icon: Check, tone: 'passed' },
  passed: { icon: Check, tone: 'passed' },
  failed: { icon: CircleX, tone: 'failed' },
  stopped: { icon: Hand, tone: 'idle' },
  interrupted: { icon: CirclePause, tone: 'unverified' },
  unverified: { icon: CircleHelp, tone: 'unverified' },
  pass: { icon: Check, tone: 'passed' },
  fail: { icon: CircleX, tone: 'failed' },
  // Phases
  ran: { icon: Check, tone: 'passed' },
  skipped: { icon: SkipForward, tone: 'idle' },
  waiting: { icon: Hand, tone: 'needs-you' },
  'would-run': { icon: Circle, tone: 'idle' },
  'would-skip': { icon: SkipForward, tone: 'idle' },
  // Baselines
  green: { icon: Check, tone: 'passed' },
  red: { icon: TriangleAlert, tone: 'failed' },
  none: { icon: Circle, tone: 'idle' },
  'not-run': { icon: CircleHelp, tone: 'unverified' },
};

interface StateMarkProps {
  state: keyof typeof marks;
  /** The icon alone; the word is then for who does not see it. */
  bare?: boolean;
  /** Another word than the state's own. */
  word?: string;
}

/** A state as icon, word and colour: none of the three alone. */
export function StateMark({ state, bare = false, word }: StateMarkProps) {
  const { icon: Icon, tone } = marks[state];
  const text = word ?? t.states[state];
  return (
    <span className={`${css.mark} ${css[tone]}`} title={bare ? text : undefined}>
      <Icon size={16} strokeWidth={1.5} aria-hidden="true" />
      <span className={bare ? css.hidden : undefined}>{text}</span>
    </span>
  );
}
