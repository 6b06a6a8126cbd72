import { GitPullRequestArrow, Plus, X } from 'lucide-react';
import { useState } from 'react';
import type { Failure } from '../../../src-main/contract/errors.ts';
import type { BrandView } from '../../../src-main/contract/brands.ts';
import { DESK_ROLE } from '../../../src-main/contract/terminal-names.ts';
import type { TerminalView } from '../../../src-main/contract/terminals.ts';
import { ask, commandId } from '../../connection.ts';
import { useKeys } from '../../keys.ts';
import { useQuery } from '../../query.ts';
import { runsOf, useLive } from '../../store.ts';
import { t } from '../../strings/en.ts';
import { Button, IconButton } from '../../ui/button.tsx';
import { Select } from '../../ui/field.tsx';
import { Empty, Failed, Loaded } from '../../ui/said.tsx';
import { Line } from '../../ui/text.tsx';
import { Propose } from './propose.tsx';
import { TerminalPane } from './terminal-pane.tsx';
import css from './terminals.module.css';

const usual = { columns: 120, rows: 32 };
const slotOf = (brand: string) => `atrium.terminal.${brand}`;

/** A brand's terminals: one is looked at, the others go on. */
export function TerminalsTab({ brand }: { brand: BrandView }) {
  const desks = useLive((live) =>
    runsOf(live.runs, brand.id)
      .filter((run) => run.role === DESK_ROLE && run.state === 'running')
      .map((run) => run.id)
      .join(' '),
  );
  const [changes, setChanges] = useState(0);
  const query = useQuery(`terminals/${brand.id}`, `${desks} ${changes}`, (client) =>
    client.terminal.list({ brand: brand.id }),
  );
  const [repository, setRepository] = useState(brand.repositories[0]?.name ?? '');
  const [chosen, setChosen] = useState<string | null>(() => sessionStorage.getItem(slotOf(brand.id)));
  /** What is still shown after its end. */
  const [ended, setEnded] = useState<TerminalView | null>(null);
  const [opening, setOpening] = useState(false);
  const [proposing, setProposing] = useState(false);
  const [failure, setFailure] = useState<Failure | null>(null);

  const choose = (id: string) => {
    sessionStorage.setItem(slotOf(brand.id), id);
    setChosen(id);
    setEnded(null);
  };
  const open = async () => {
    setOpening(true);
    setFailure(null);
    const answer = await ask((client) =>
      client.terminal.open({ brand: brand.id, repository, ...usual, commandId: commandId() }),
    );
    setOpening(false);
    if (!answer.ok) {
      setFailure(answer.failure);
      return;
    }
    setChanges((count) => count + 1);
    choose(answer.value.id);
  };
  const close = async (id: TerminalView['id']) => {
    const answer = await ask((client) => client.terminal.close({ id, commandId: commandId() }));
    setEnded(null);
    if (answer.ok) setChanges((count) => count + 1);
    else setFailure(answer.failure);
  };
  useKeys(t.brand.tabs.terminals, [
    { key: 't', label: t.terminals.open, run: () => void open(), when: !opening },
    { key: 'p', label: t.terminals.propose, run: () => setProposing(true) },
  ]);

  const openButton = (
    <Button
      kind={query.value?.length === 0 ? 'primary' : 'quiet'}
      icon={<Plus size={16} strokeWidth={1.5} aria-hidden="true" />}
      shortcut="t"
      disabled={opening}
      onClick={() => void open()}
    >
      {t.terminals.open}
    </Button>
  );
  const which = brand.repositories.length > 1 && (
    <Select
      aria-label={t.terminals.repository}
      className={css.which}
      value={repository}
      onChange={(event) => setRepository(event.target.value)}
    >
      {brand.repositories.map(({ name }) => (
        <option key={name} value={name}>
          {name}
        </option>
      ))}
    </Select>
  );

  return (
    <div className={css.tab}>
      {failure !== null && <Failed failure={failure} onRetry={() => void open()} />}
      <Loaded query={query}>
        {(list) => {
          const named = list.map((view, index) => ({
            ...view,
            name: t.terminals.name(index + 1, view.repository),
          }));
          const shown =
            named.find((view) => view.id === chosen) ??
            (ended !== null && ended.id === chosen
              ? { ...ended, name: t.terminals.name(named.length + 1, ended.repository) }
              : named.at(-1));
          if (shown === undefined && !opening)
            return (
              <div className={css.none}>
                <Empty
                  title={t.terminals.none}
                  action={
                    <div className={css.first}>
                      {which}
                      {openButton}
                    </div>
                  }
                >
                  {t.terminals.purpose}
                </Empty>
              </div>
            );
          return (
            <>
              <div className={css.bar}>
                <ul className={css.list} aria-label={t.terminals.list}>
                  {named.map((view) => (
                    <li key={view.id} className={css.item} data-here={view.id === shown?.id}>
                      <button
                        type="button"
                        className={css.choose}
                        aria-current={view.id === shown?.id ? 'true' : undefined}
                        onClick={() => choose(view.id)}
                      >
                        <Line text={view.name} />
                      </button>
                      <IconButton
                        label={t.terminals.close(view.name)}
                        icon={<X size={14} strokeWidth={1.5} aria-hidden="true" />}
                        onClick={() => void close(view.id)}
                      />
                    </li>
                  ))}
                </ul>
                {which}
                {openButton}
                <span className={css.gap} />
                <Button
                  kind="quiet"
                  icon={<GitPullRequestArrow size={16} strokeWidth={1.5} aria-hidden="true" />}
                  shortcut="p"
                  onClick={() => setProposing(true)}
                >
                  {t.terminals.propose}
                </Button>
              </div>
              {opening && (
                <p role="status" className={css.status}>
                  {t.terminals.opening}
                </p>
              )}
              {shown !== undefined && (
                <TerminalPane
                  key={shown.id}
                  id={shown.id}
                  name={shown.name}
                  onEnded={() => {
                    setEnded(shown);
                    setChosen(shown.id);
                    setChanges((count) => count + 1);
                  }}
                />
              )}
              <p className={css.foot}>
                <span>{t.terminals.leave}</span>
                {shown?.notes.map((note) => (
                  <Line key={note} text={note} />
                ))}
              </p>
            </>
          );
        }}
      </Loaded>
      {proposing && (
        <Propose
          brand={brand}
          repository={query.value?.find((view) => view.id === chosen)?.repository ?? repository}
          onClose={() => setProposing(false)}
        />
      )}
    </div>
  );
}
