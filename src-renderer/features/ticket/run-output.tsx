import { memo, useEffect, useMemo, useRef } from 'react';
import type { UIEvent } from 'react';
import type { RunOutput } from '../../../src-main/contract/runs.ts';
import { clock, visibleLine, visibleOutput } from '../../format.ts';
import { useLive } from '../../store.ts';
import { t } from '../../strings/en.ts';
import { Failed } from '../../ui/said.tsx';
import { Fold } from './fold.tsx';
import { blocksOf, useRunOutput } from './run-output.ts';
import css from './run-output.module.css';

const long = 600;

const OutputLine = memo(function OutputLine({ line, waits }: { line: RunOutput; waits: boolean }) {
  const text = visibleOutput(line.text);
  const printed =
    line.kind === 'stdout' || line.kind === 'stderr' || line.kind === 'tool' || line.kind === 'thought';
  const many = printed && (text.length > long || text.split('\n').length > 8);
  return (
    <li className={css.line} data-kind={line.kind} data-waits={waits}>
      <span className={css.kind} title={clock(line.at)}>
        {t.outputKinds[line.kind]}
      </span>
      {many ? (
        <div className={css.text}>
          <Fold title={<span className={css.first}>{visibleLine(text.slice(0, 200))}</span>}>
            <div className={css.full}>{text}</div>
          </Fold>
        </div>
      ) : (
        <div className={css.text} dir="auto">
          {text}
        </div>
      )}
    </li>
  );
});

/** What a run printed, following its end until one scrolls up. */
export function RunOutputView({ run, live }: { run: string; live: boolean }) {
  const output = useRunOutput(run);
  const blocks = useMemo(() => blocksOf(output.lines), [output.lines]);
  // While the line to the core is down the bar says so, once.
  const linked = useLive((state) => state.link === 'live');
  const box = useRef<HTMLDivElement>(null);
  const following = useRef(true);

  useEffect(() => {
    if (following.current) box.current?.scrollTo({ top: box.current.scrollHeight });
  }, [output.lines]);

  const scrolled = (event: UIEvent<HTMLDivElement>) => {
    const { scrollTop, scrollHeight, clientHeight } = event.currentTarget;
    following.current = scrollHeight - scrollTop - clientHeight < 24;
  };

  return (
    <div
      className={css.output}
      ref={box}
      onScroll={scrolled}
      tabIndex={0}
      role="log"
      aria-live="off"
      aria-label={t.ticket.outputOfRun(run)}
    >
      {output.dropped > 0 && <p className={css.quiet}>{t.ticket.dropped(output.dropped)}</p>}
      {output.lines.length === 0 && output.failure === null && linked && (
        <p className={css.quiet}>{output.ended ? t.ticket.noOutput : t.ticket.waitsForOutput}</p>
      )}
      <ol>
        {blocks.map((block, index) => (
          <OutputLine
            key={block.index}
            line={block}
            waits={live && block.kind === 'permission' && index === blocks.length - 1}
          />
        ))}
      </ol>
      {output.failure !== null && linked && <Failed failure={output.failure} />}
      {live && linked && output.lines.length > 0 && <p className={css.quiet}>{t.ticket.follows}</p>}
    </div>
  );
}
