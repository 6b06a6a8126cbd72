import { useState } from 'react';
import type { Failure } from '../../../src-main/contract/errors.ts';
import type { BrandLayers } from '../../../src-main/contract/layers.ts';
import { ask } from '../../connection.ts';
import { useKeys } from '../../keys.ts';
import { useQuery } from '../../query.ts';
import { announce, brandById, useLive } from '../../store.ts';
import { t } from '../../strings/en.ts';
import { Button } from '../../ui/button.tsx';
import { Empty, Failed, Loaded } from '../../ui/said.tsx';
import { Section } from '../../ui/section.tsx';
import { StateMark } from '../../ui/state-mark.tsx';
import { Ago, Line } from '../../ui/text.tsx';
import css from './health.module.css';

const NAMES = ['call', 'room', 'kernel', 'exit'] as const;

function BrandRow({ brand, name }: { brand: BrandLayers; name: string }) {
  return (
    <li className={css.brand}>
      <div className={css.brandName}>
        <Line text={name} />
        <span className={css.detail}>
          {brand.sealed && `${t.layers.sealed} · `}
          {brand.at === null ? t.layers.never : <Ago at={brand.at} />}
        </span>
      </div>
      <ul className={css.layers}>
        {NAMES.map((layer) => {
          const proof = brand.layers.find((each) => each.layer === layer);
          const state = proof === undefined ? 'not-run' : proof.live ? 'passed' : 'failed';
          return (
            <li key={layer} className={css.layer}>
              <span>{t.layers.name[layer]}</span>
              <StateMark state={state} word={t.layers.state[state]} />
              <span className={css.detail}>
                <Line text={proof?.detail ?? t.layers.what[layer]} />
              </span>
            </li>
          );
        })}
      </ul>
    </li>
  );
}

/** The four layers of each brand: whether they hold, what they proved, and when. */
export function LayersSection() {
  const brands = useLive((live) => live.brands);
  const [proofs, setProofs] = useState(0);
  const [proving, setProving] = useState(false);
  const [failure, setFailure] = useState<Failure | null>(null);
  const query = useQuery('layers', `${brands.length} ${proofs}`, (client) => client.guard.layers({}));
  const prove = async () => {
    setProving(true);
    setFailure(null);
    const answer = await ask((client) => client.guard.prove({}));
    setProving(false);
    if (!answer.ok) {
      setFailure(answer.failure);
      return;
    }
    setProofs((number) => number + 1);
    announce(t.layers.said(answer.value.breaches));
  };
  const run = () => void prove();
  useKeys(t.layers.title, [{ key: 'l', label: t.layers.prove, run, when: !proving }]);
  return (
    <Section
      title={t.layers.title}
      aside={
        <Button shortcut="l" onClick={run} disabled={proving}>
          {proving ? t.layers.proving : t.layers.prove}
        </Button>
      }
    >
      {failure !== null && <Failed failure={failure} onRetry={run} />}
      <Loaded query={query}>
        {(proof) =>
          proof.brands.length === 0 ? (
            <Empty title={t.layers.none} />
          ) : (
            <ul className={css.brands}>
              {proof.brands.map((brand) => (
                <BrandRow key={brand.id} brand={brand} name={brandById(brands, brand.id)?.name ?? brand.id} />
              ))}
            </ul>
          )
        }
      </Loaded>
    </Section>
  );
}
