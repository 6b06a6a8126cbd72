import { useEffect, useState } from 'react';
import type { FormEvent } from 'react';
import type { Failure } from '../../../src-main/contract/errors.ts';
import type { BrandView, RepositoryGuess } from '../../../src-main/contract/brands.ts';
import { ask } from '../../connection.ts';
import { visible } from '../../format.ts';
import { go } from '../../router.ts';
import { announce, useLive } from '../../store.ts';
import { t } from '../../strings/en.ts';
import { Button } from '../../ui/button.tsx';
import { Field, TextInput } from '../../ui/field.tsx';
import { Failed, Skeleton } from '../../ui/said.tsx';
import { Section } from '../../ui/section.tsx';
import { StateMark } from '../../ui/state-mark.tsx';
import { Repository } from '../brand/overview.tsx';
import { Page } from '../frame/page.tsx';
import { ConfirmBrand } from './confirm-brand.tsx';
import { Lacks } from './lacks.tsx';
import css from './onboarding.module.css';

function Added({ brand, onMore }: { brand: BrandView; onMore(): void }) {
  const red = brand.repositories.some((repository) => repository.baseline === 'red');
  return (
    <Section title={t.onboarding.added(brand.name)}>
      {red && (
        <p className={css.red}>
          <StateMark state="red" word={t.onboarding.redTitle} />
          <span>{t.onboarding.red}</span>
        </p>
      )}
      {brand.repositories.map((repository) => (
        <Repository key={repository.name} repository={repository} />
      ))}
      <div className={css.buttons}>
        <Button kind="primary" onClick={() => go('/')}>
          {t.onboarding.toToday}
        </Button>
        <Button onClick={onMore}>{t.onboarding.more}</Button>
      </div>
    </Section>
  );
}

/** What this machine lacks, and a brand from a repository: look, confirm, add. */
export function OnboardingScreen() {
  const lacks = useLive((live) => live.lacks);
  const first = useLive((live) => live.brands.length === 0);
  const [path, setPath] = useState('');
  const [looking, setLooking] = useState(false);
  const [failure, setFailure] = useState<Failure | null>(null);
  const [guess, setGuess] = useState<RepositoryGuess | null>(null);
  const [added, setAdded] = useState<BrandView | null>(null);

  useEffect(() => {
    if (guess !== null) announce(t.onboarding.looked(guess.name));
  }, [guess]);

  const look = async (event: FormEvent) => {
    event.preventDefault();
    if (path.trim() === '' || looking) return;
    setLooking(true);
    setFailure(null);
    setGuess(null);
    const answer = await ask((client) => client.brand.guess({ path: path.trim() }));
    setLooking(false);
    if (answer.ok) {
      setGuess(answer.value);
      // Today stops being the first launch as soon as there is a brand; this screen still has to say how it went.
      go('/add-brand', { replace: true });
    } else setFailure(answer.failure);
  };

  return (
    <Page title={first && added === null ? t.onboarding.welcome : t.onboarding.title}>
      {first && added === null && <p className={css.intro}>{t.onboarding.intro}</p>}
      {added === null && (
        <Section title={t.lacks.title}>
          {lacks.length === 0 ? <StateMark state="passed" word={t.lacks.none} /> : <Lacks />}
        </Section>
      )}
      {added !== null ? (
        <Added
          brand={added}
          onMore={() => {
            setAdded(null);
            setGuess(null);
            setPath('');
          }}
        />
      ) : (
        <Section title={t.onboarding.repository}>
          <form className={css.form} onSubmit={(event) => void look(event)}>
            <Field label={t.onboarding.path} hint={t.onboarding.pathHint}>
              {(ids) => (
                <div className={css.pathLine}>
                  <TextInput
                    {...ids}
                    autoFocus
                    required
                    value={path}
                    onChange={(event) => setPath(event.target.value)}
                  />
                  <Button
                    type="submit"
                    kind={guess === null ? 'primary' : 'plain'}
                    disabled={looking || path.trim() === ''}
                  >
                    {looking ? t.onboarding.looking : t.onboarding.look}
                  </Button>
                </div>
              )}
            </Field>
          </form>
          {looking && <Skeleton rows={4} />}
          {failure !== null && <Failed failure={failure} />}
          {guess !== null && (
            <>
              {guess.notes.map((note, index) => (
                <p key={index} className={css.quiet} dir="auto">
                  {visible(note)}
                </p>
              ))}
              <ConfirmBrand key={guess.path + guess.commit} guess={guess} onAdded={setAdded} />
            </>
          )}
        </Section>
      )}
    </Page>
  );
}
