import { Lock } from 'lucide-react';
import type { CSSProperties } from 'react';
import { t } from '../strings/en.ts';
import { visibleLine } from '../format.ts';
import { brandById, useLive } from '../store.ts';
import css from './brand-mark.module.css';

const hues = 12;

/** The custom property that carries a brand's hue to what is inside. */
export function hueOf(colour: number | undefined): CSSProperties {
  const hue = colour === undefined ? 'var(--idle)' : `var(--brand-${Math.abs(Math.trunc(colour)) % hues})`;
  return { '--hue': hue } as CSSProperties;
}

interface BrandMarkProps {
  id: string;
  /** The edge alone, for dense rows whose brand is said elsewhere. */
  bare?: boolean;
}

/** A brand: its edge in its hue, and its name. */
export function BrandMark({ id, bare = false }: BrandMarkProps) {
  const brand = useLive((live) => brandById(live.brands, id));
  const name = visibleLine(brand?.name ?? id);
  return (
    <span className={css.brand} style={hueOf(brand?.colour)} title={name}>
      <span className={css.edge} />
      {!bare && <span className={css.name}>{name}</span>}
      {!bare && brand?.sealed === true && (
        <Lock size={12} strokeWidth={1.5} aria-label={t.brand.sealed} className={css.lock} />
      )}
    </span>
  );
}
