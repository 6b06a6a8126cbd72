import type { CheckView, DoctorReport } from '../../../src-main/contract/doctor.ts';
import { lasting } from '../../format.ts';
import { useKeys } from '../../keys.ts';
import { useLive } from '../../store.ts';
import { t } from '../../strings/en.ts';
import { Button } from '../../ui/button.tsx';
import { Empty, Failed, Skeleton } from '../../ui/said.tsx';
import { Section } from '../../ui/section.tsx';
import { StateMark } from '../../ui/state-mark.tsx';
import { Ago, Line } from '../../ui/text.tsx';
import { Page } from '../frame/page.tsx';
import { Cost } from './cost.tsx';
import { runDoctor, useAsking } from './doctor.ts';
import { GuardDecisions } from './guard-decisions.tsx';
import { LayersSection } from './layers.tsx';
import css from './health.module.css';

function Check({ check }: { check: CheckView }) {
  const state = !check.built ? 'not-run' : check.ok ? 'passed' : 'failed';
  const word = !check.built ? t.health.notBuilt : check.ok ? t.health.passed : t.health.failed;
  return (
    <tr className={check.ok ? undefined : css.bad}>
      <td className={css.number}>{check.number}</td>
      <td>
        <StateMark state={state} word={word} />
      </td>
      <th scope="row" className={css.title}>
        <Line text={check.title} />
        <span className={css.detail}>
          <Line text={check.detail} />
        </span>
      </th>
      <td className={css.when}>
        <Ago at={check.at} />
      </td>
      <td className={css.when}>{lasting(check.ms)}</td>
    </tr>
  );
}

function Said({ title, lines }: { title: string; lines: readonly string[] }) {
  if (lines.length === 0) return null;
  return (
    <div className={css.said}>
      <h3>{title}</h3>
      <ul>
        {lines.map((line) => (
          <li key={line}>
            <Line text={line} />
          </li>
        ))}
      </ul>
    </div>
  );
}

function Report({ report }: { report: DoctorReport }) {
  // What does not hold is what one came for.
  const checks = [...report.checks].sort((a, b) => Number(a.ok) - Number(b.ok) || a.number - b.number);
  return (
    <>
      <Said title={t.health.mended} lines={report.mended} />
      <Said title={t.health.noted} lines={report.noted} />
      <table className={css.checks}>
        <thead>
          <tr>
            <th scope="col" className={css.number}>
              {t.health.number}
            </th>
            <th scope="col">{t.health.state}</th>
            <th scope="col">{t.health.check}</th>
            <th scope="col" className={css.when}>
              {t.health.proved}
            </th>
            <th scope="col" className={css.when}>
              {t.health.took}
            </th>
          </tr>
        </thead>
        <tbody>
          {checks.map((check) => (
            <Check key={check.number} check={check} />
          ))}
        </tbody>
      </table>
    </>
  );
}

/** The nineteen checks and the layers of each brand, each with what it proved and when, and what the work cost. */
export function HealthScreen() {
  const report = useLive((live) => live.doctor);
  const { running, failure } = useAsking();
  const run = () => void runDoctor();
  useKeys(t.nav.health, [{ key: 'r', label: t.health.run, run, when: !running }]);
  const button = (
    <Button shortcut="r" onClick={run} disabled={running}>
      {running ? t.health.running : t.health.run}
    </Button>
  );
  const aside = report !== null && (
    <span className={css.aside}>
      <span>
        {t.health.grade(report.grade, report.passed, report.total)} · <Ago at={report.at} />
      </span>
      {button}
    </span>
  );
  return (
    <Page title={t.nav.health}>
      <Section title={t.health.checks} aside={aside}>
        {failure !== null && <Failed failure={failure} onRetry={run} />}
        {report === null && running && <Skeleton rows={19} />}
        {report === null && !running && (
          <Empty title={t.health.notRun} action={button}>
            {t.health.purpose}
          </Empty>
        )}
        {report !== null && <Report report={report} />}
      </Section>
      <LayersSection />
      <GuardDecisions />
      <Cost />
    </Page>
  );
}
