import { Link } from './link.tsx';
import css from './tabs.module.css';

interface TabsProps {
  label: string;
  tabs: readonly { to: string; title: string; here: boolean; count?: number }[];
}

/** The parts of a screen, each with its own address. */
export function Tabs({ label, tabs }: TabsProps) {
  return (
    <nav className={css.tabs} aria-label={label}>
      {tabs.map((tab) => (
        <Link key={tab.to} to={tab.to} className={css.tab} aria-current={tab.here ? 'page' : undefined}>
          {tab.title}
          {tab.count !== undefined && tab.count > 0 && <span className={css.count}>{tab.count}</span>}
        </Link>
      ))}
    </nav>
  );
}

interface ChoiceProps<T extends string> {
  label: string;
  options: readonly { value: T; title: string }[];
  value: T;
  onChoose(value: NoInfer<T>): void;
}

/** One of a few, all shown. */
export function Choice<T extends string>({ label, options, value, onChoose }: ChoiceProps<T>) {
  return (
    <div className={css.choice} role="radiogroup" aria-label={label}>
      {options.map((option) => (
        <label key={option.value} className={css.option} data-chosen={option.value === value}>
          <input
            type="radio"
            name={label}
            checked={option.value === value}
            onChange={() => onChoose(option.value)}
          />
          {option.title}
        </label>
      ))}
    </div>
  );
}
