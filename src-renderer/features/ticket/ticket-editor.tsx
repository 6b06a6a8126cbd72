import { useState } from 'react';
import type { FormEvent } from 'react';
import type { Failure } from '../../../src-main/contract/errors.ts';
import type { TicketDetail } from '../../../src-main/contract/tickets.ts';
import { runtimeTitle } from '../../choices.ts';
import { ask, commandId } from '../../connection.ts';
import { visibleLine } from '../../format.ts';
import { useKeys } from '../../keys.ts';
import { go, usePlace } from '../../router.ts';
import { brandById, show, useLive } from '../../store.ts';
import { t } from '../../strings/en.ts';
import { Button } from '../../ui/button.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { Field, Select, TextArea, TextInput } from '../../ui/field.tsx';
import { Failed } from '../../ui/said.tsx';
import { type DraftForm, draftOfForm, emptyForm, formOf } from './draft-form.ts';
import css from './ticket-editor.module.css';

interface TicketEditorProps {
  /** The ticket that is changed; null for a new draft. */
  ticket: TicketDetail | null;
  brand: string | null;
  title: string;
  /** Where writing begins. */
  focus: 'title' | 'command';
  onClose(): void;
}

/** What is read as it is written, sign by sign. */
const code: ReadonlySet<keyof DraftForm> = new Set([
  'paths',
  'acceptance',
  'command',
  'network',
  'grants',
  'dependsOn',
]);

const slotOf = (ticket: TicketDetail | null) =>
  `atrium.editor.${ticket === null ? 'new' : `${ticket.id}.${ticket.hash}`}`;

function kept(slot: string): Partial<DraftForm> {
  try {
    return JSON.parse(sessionStorage.getItem(slot) ?? '{}') as Partial<DraftForm>;
  } catch {
    return {};
  }
}

/** Everything a draft can say. What is typed is kept in this window until it is saved. */
export function TicketEditor({ ticket, brand: given, title, focus, onClose }: TicketEditorProps) {
  const brands = useLive((live) => live.brands);
  const runtimes = useLive((live) => live.runtimes);
  const config = useLive((live) => live.config);
  const place = usePlace((each) => each.route);
  const slot = slotOf(ticket);
  const [chosen, setBrand] = useState<string>(
    ticket?.brand ?? given ?? (place.screen === 'brand' ? place.brand : (brands[0]?.id ?? '')),
  );
  const [form, setForm] = useState<DraftForm>(() => ({
    ...(ticket === null ? { ...emptyForm, runtime: config?.defaultRuntime ?? '' } : formOf(ticket)),
    ...kept(slot),
    ...(title !== '' && { title }),
  }));
  const [failure, setFailure] = useState<Failure | null>(null);
  const [busy, setBusy] = useState(false);
  const repositories = brandById(brands, chosen)?.repositories ?? [];

  const set = (field: keyof DraftForm) => (event: { target: { value: string } }) => {
    const after = { ...form, [field]: event.target.value };
    setForm(after);
    sessionStorage.setItem(slot, JSON.stringify(after));
  };
  const save = async (event?: FormEvent) => {
    event?.preventDefault();
    if (busy || form.title.trim() === '') return;
    setBusy(true);
    const draft = draftOfForm(form, ticket);
    const answer = await ask((client) =>
      ticket === null
        ? client.ticket.draft({ brand: chosen, draft, commandId: commandId() })
        : client.ticket.edit({ id: ticket.id, draft, commandId: commandId() }),
    );
    setBusy(false);
    if (!answer.ok) {
      setFailure(answer.failure);
      return;
    }
    sessionStorage.removeItem(slot);
    show(answer.value);
    onClose();
    if (ticket === null || answer.value.id !== ticket.id || place.screen === 'today')
      go(`/approvals/${answer.value.id}`);
  };
  useKeys(
    t.editor.keys,
    [{ key: 'Mod+Enter', label: t.editor.save, run: () => void save(), typing: true }],
    true,
  );

  const text = (field: keyof DraftForm, rows: number, hint?: string) => (
    <Field label={t.editor.fields[field]} hint={hint}>
      {(ids) => (
        <TextArea
          {...ids}
          rows={rows}
          autoFocus={field === focus}
          className={code.has(field) ? css.code : undefined}
          spellCheck={!code.has(field)}
          value={form[field]}
          onChange={set(field)}
        />
      )}
    </Field>
  );
  const line = (field: keyof DraftForm, hint?: string) => (
    <Field label={t.editor.fields[field]} hint={hint}>
      {(ids) => <TextInput {...ids} value={form[field]} onChange={set(field)} />}
    </Field>
  );
  const select = (field: keyof DraftForm, options: readonly (readonly [value: string, title: string])[]) => (
    <Field label={t.editor.fields[field]}>
      {(ids) => (
        <Select {...ids} value={form[field]} onChange={set(field)}>
          {options.map(([value, name]) => (
            <option key={value} value={value}>
              {name}
            </option>
          ))}
        </Select>
      )}
    </Field>
  );

  return (
    <Dialog
      title={ticket === null ? t.editor.newTitle : t.editor.editTitle(ticket.id)}
      onClose={onClose}
      size="large"
    >
      <form className={css.form} onSubmit={(event) => void save(event)}>
        <div className={css.fields}>
          {ticket?.state === 'ready' && <p className={css.notice}>{t.editor.withdraws}</p>}
          {ticket === null && (
            <Field label={t.editor.brand}>
              {(ids) => (
                <Select {...ids} value={chosen} onChange={(event) => setBrand(event.target.value)}>
                  {brands.map((each) => (
                    <option key={each.id} value={each.id} disabled={each.state === 'closed'}>
                      {visibleLine(each.name)}
                    </option>
                  ))}
                </Select>
              )}
            </Field>
          )}
          <Field label={t.editor.fields.title}>
            {(ids) => (
              <TextInput
                {...ids}
                autoFocus={focus === 'title'}
                required
                maxLength={200}
                value={form.title}
                onChange={set('title')}
              />
            )}
          </Field>
          {text('description', 4)}
          {text('why', 2, t.editor.whyHint)}
          <div className={css.pair}>
            {text('paths', 3, t.editor.pathsHint)}
            {text('acceptance', 3, t.editor.acceptanceHint)}
          </div>
          <div className={css.pair}>
            {select(
              'runtime',
              runtimes.map((each) => [
                each.name,
                each.present ? runtimeTitle(each.name) : t.ticket.absent(runtimeTitle(each.name)),
              ]),
            )}
            {form.runtime !== 'command' && select('modelClass', Object.entries(t.modelClasses))}
          </div>
          {form.runtime === 'command' && text('command', 4, t.editor.commandHint)}
          <div className={css.triple}>
            {line('costCapUsd')}
            {select('priority', Object.entries(t.editor.priorities))}
            {select('mode', Object.entries(t.editor.modes))}
          </div>
          <details className={css.more}>
            <summary>{t.editor.more}</summary>
            <div className={css.fields}>
              {repositories.length > 1 &&
                select(
                  'repository',
                  repositories.map((each) => [each.name, visibleLine(each.name)]),
                )}
              {line('model', t.editor.modelHint)}
              <div className={css.pair}>
                {text('network', 2, t.editor.networkHint)}
                {text('grants', 2, t.editor.grantsHint)}
              </div>
              <div className={css.pair}>
                {text('dependsOn', 2, t.editor.dependsHint)}
                {text('references', 2)}
              </div>
            </div>
          </details>
        </div>
        <footer className={css.foot}>
          {failure !== null && <Failed failure={failure} />}
          <div className={css.buttons}>
            <Button kind="quiet" onClick={onClose}>
              {t.actions.cancel}
            </Button>
            <Button
              kind="primary"
              type="submit"
              shortcut="Mod+Enter"
              disabled={busy || form.title.trim() === ''}
            >
              {ticket === null ? t.editor.draft : t.editor.save}
            </Button>
          </div>
        </footer>
      </form>
    </Dialog>
  );
}
