import { TriangleAlert } from 'lucide-react';
import { visible } from '../../format.ts';
import { useLive } from '../../store.ts';
import css from './onboarding.module.css';

/** What this machine lacks, each with what to do. */
export function Lacks() {
  const lacks = useLive((live) => live.lacks);
  return (
    <ul className={css.lacks}>
      {lacks.map((lack, index) => (
        <li key={index} className={css.lack}>
          <TriangleAlert size={16} strokeWidth={1.5} aria-hidden="true" />
          <div>
            <p>{visible(lack.message)}</p>
            {lack.hint !== '' && <p className={css.quiet}>{visible(lack.hint)}</p>}
          </div>
        </li>
      ))}
    </ul>
  );
}
