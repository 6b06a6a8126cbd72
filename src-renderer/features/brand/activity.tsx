import { useMemo, useState } from 'react';
import type { ActivityLine } from '../../feed.ts';
import { ask } from '../../connection.ts';
import { useQuery } from '../../query.ts';
import { useLive } from '../../store.ts';
import { t } from '../../strings/en.ts';
import { Button } from '../../ui/button.tsx';
import { Field, TextInput } from '../../ui/field.tsx';
import { NewRows, Row, Rows } from '../../ui/list.tsx';
import { Empty, Failed, Loaded } from '../../ui/said.tsx';
import { Ago, Line } from '../../ui/text.tsx';
import type { Failure } from '../../../src-main/contract/errors.ts';
import { joined } from '../today/since.tsx';
import css from './brand.module.css';
import { useStableOrder } from './stable.ts';

const page = 100;

function Lines({ brand, asked }: { brand: string; asked: readonly ActivityLine[] }) {
  const live = useLive((state) => state.activity);
  const [older, setOlder] = useState<readonly ActivityLine[]>([]);
  const [more, setMore] = useState(asked.length === page);
  const [failure, setFailure] = useState<Failure | null>(null);
  const [words, setWords] = useState('');
  const all = useMemo(
    () =>
      joined(
        live.filter((line) => line.brand === brand),
        [...asked, ...older],
      ),
    [live, asked, older, brand],
  );
  const wanted = words.trim().toLowerCase();
  const found =
    wanted === ''
      ? all
      : all.filter((line) => `${line.text} ${line.type} ${line.ticket ?? ''}`.toLowerCase().includes(wanted));
  const { order, fresh, show } = useStableOrder(
    found.map((line) => String(line.position)),
    `${wanted}/${older.length}`,
  );
  const byPosition = new Map(found.map((line) => [String(line.position), line]));
  const next = async () => {
    const last = all.at(-1);
    if (last === undefined) return;
    const answer = await ask((client) => client.activity({ brand, limit: page, before: last.position }));
    if (!answer.ok) {
      setFailure(answer.failure);
      return;
    }
    setFailure(null);
    setMore(answer.value.length === page);
    setOlder((before) => [...before, ...answer.value.map((line) => ({ ...line, brand }))]);
  };
  if (all.length === 0) return <Empty title={t.activity.none}>{t.activity.purpose}</Empty>;
  return (
    <>
      <div className={css.filter}>
        <Field label={t.activity.filter}>
          {(ids) => (
            <TextInput
              {...ids}
              type="search"
              value={words}
              onChange={(event) => setWords(event.target.value)}
            />
          )}
        </Field>
      </div>
      <NewRows count={fresh} label={t.newRows(fresh)} onShow={show} />
      {order.length === 0 && <Empty title={t.activity.noneFound} />}
      <Rows label={t.brand.tabs.activity}>
        {order.map((position) => {
          const line = byPosition.get(position);
          if (line === undefined) return null;
          return (
            <Row
              key={position}
              to={line.ticket === null ? `/brand/${brand}/activity` : `/ticket/${line.ticket}`}
            >
              <Line text={line.text} className={`${css.title} ${css.sentence}`} />
              {line.ticket !== null && <span className={css.quiet}>{line.ticket}</span>}
              <Ago at={line.at} />
            </Row>
          );
        })}
      </Rows>
      {failure !== null && <Failed failure={failure} onRetry={() => void next()} />}
      {more && failure === null && <Button onClick={() => void next()}>{t.activity.older}</Button>}
    </>
  );
}

/** A brand's log in words, newest first. */
export function Activity({ brand }: { brand: string }) {
  const query = useQuery(`activity/all/${brand}`, 0, (client) => client.activity({ brand, limit: page }));
  return (
    <Loaded query={query} rows={10}>
      {(asked) => <Lines brand={brand} asked={asked.map((line) => ({ ...line, brand }))} />}
    </Loaded>
  );
}
