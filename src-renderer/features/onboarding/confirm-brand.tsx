import { useEffect, useState } from 'react';
import type { FormEvent } from 'react';
import type { Failure } from '../../../src-main/contract/errors.ts';
import type { BrandView, RepositoryGuess } from '../../../src-main/contract/brands.ts';
import { countings, isCountBy } from '../../choices.ts';
import { ask, commandId } from '../../connection.ts';
import { fold } from '../../feed.ts';
import { lasting, visibleLine } from '../../format.ts';
import { announce, useLive } from '../../store.ts';
import { t } from '../../strings/en.ts';
import { Button } from '../../ui/button.tsx';
import { Check, Field, Select, TextInput } from '../../ui/field.tsx';
import { Failed } from '../../ui/said.tsx';
import { Fact, Facts } from '../../ui/section.tsx';
import { Code, Line } from '../../ui/text.tsx';
import css from './onboarding.module.css';

/** A brand's id from a repository's name. */
export function idOf(name: string): string {
  const id = name
    .toLowerCase()
    .replace(/[^a-z0-9-]+/g, '-')
    .replace(/^[^a-z]+/, '')
    .replace(/-+$/, '')
    .slice(0, 32);
  return id === '' ? 'brand' : id;
}

/** What goes on while a brand is added: setup and checks run once, and that takes as long as they take. */
function Progress({ brand, test }: { brand: string; test: string }) {
  const [since] = useState(() => Date.now());
  const [now, setNow] = useState(since);
  const latest = useLive((live) => live.activity.find((line) => line.brand === brand));
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1_000);
    return () => clearInterval(timer);
  }, []);
  return (
    <div className={css.progress} role="status">
      <p>{latest === undefined ? t.onboarding.adding(visibleLine(test)) : visibleLine(latest.text)}</p>
      <p className={css.quiet}>{t.onboarding.lasts(lasting(Math.max(1_000, now - since)))}</p>
    </div>
  );
}

interface ConfirmBrandProps {
  guess: RepositoryGuess;
  onAdded(brand: BrandView): void;
}

/** What was guessed of a repository, to be confirmed or put right before anything runs. */
export function ConfirmBrand({ guess, onAdded }: ConfirmBrandProps) {
  const [name, setName] = useState(guess.name);
  const [id, setId] = useState(idOf(guess.name));
  const [sealed, setSealed] = useState(false);
  const [setup, setSetup] = useState(guess.checks.setup);
  const [test, setTest] = useState(guess.checks.test);
  const [lint, setLint] = useState(guess.checks.lint);
  const [counting, setCounting] = useState(guess.checks.count);
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<Failure | null>(null);
  const [command] = useState(commandId);

  const add = async (event: FormEvent) => {
    event.preventDefault();
    if (busy) return;
    setBusy(true);
    setFailure(null);
    const answer = await ask((client) =>
      client.brand.add({
        commandId: command,
        id,
        name,
        repositories: [guess.path],
        sealed,
        setup,
        test,
        lint,
        count: counting,
        confirmed: true,
      }),
    );
    setBusy(false);
    if (!answer.ok) {
      setFailure(answer.failure);
      return;
    }
    useLive.setState(fold(useLive.getState(), { kind: 'brand', brand: answer.value }));
    announce(t.onboarding.added(answer.value.name));
    onAdded(answer.value);
  };

  const line = (label: string, value: string, onChange: (value: string) => void, hint?: string) => (
    <Field label={label} hint={hint}>
      {(ids) => (
        <TextInput {...ids} required value={value} onChange={(event) => onChange(event.target.value)} />
      )}
    </Field>
  );
  return (
    <form className={css.form} onSubmit={(event) => void add(event)} aria-label={t.onboarding.confirm}>
      <Facts>
        <Fact name={t.onboarding.found}>
          <Line text={t.onboarding.branchAt(guess.branch, guess.commit.slice(0, 12))} />
        </Fact>
        {guess.lockfiles.length > 0 && (
          <Fact name={t.onboarding.lockfiles}>
            <Line text={guess.lockfiles.join(', ')} />
          </Fact>
        )}
        {guess.setupHosts.length > 0 && (
          <Fact name={t.onboarding.hosts}>
            <Code text={guess.setupHosts.join(', ')} />
          </Fact>
        )}
      </Facts>
      <fieldset disabled={busy} className={css.fields}>
        <div className={css.pair}>
          {line(t.onboarding.name, name, setName)}
          {line(t.onboarding.id, id, setId, t.onboarding.idHint)}
        </div>
        {line(t.brand.setup, setup, setSetup, t.onboarding.setupHint)}
        {line(t.brand.test, test, setTest, t.onboarding.noneHint)}
        {line(t.brand.lint, lint, setLint, t.onboarding.noneHint)}
        <Field label={t.onboarding.count}>
          {(ids) => (
            <Select
              {...ids}
              value={counting}
              onChange={(event) => isCountBy(event.target.value) && setCounting(event.target.value)}
            >
              {countings.map((each) => (
                <option key={each} value={each}>
                  {t.onboarding.counts[each]}
                </option>
              ))}
            </Select>
          )}
        </Field>
        <Check
          label={t.onboarding.sealed}
          hint={t.onboarding.sealedHint}
          checked={sealed}
          onChange={setSealed}
        />
      </fieldset>
      {failure !== null && <Failed failure={failure} />}
      {busy ? (
        <Progress brand={id} test={test} />
      ) : (
        <div className={css.buttons}>
          <Button kind="primary" type="submit">
            {t.onboarding.add}
          </Button>
        </div>
      )}
    </form>
  );
}
