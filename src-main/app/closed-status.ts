import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { BrandId } from '../contract/ids.ts';
import type { AskView } from '../contract/guard.ts';
import type { StatusView } from '../contract/feed.ts';
import type { WaitingItem } from '../contract/waiting.ts';
import { urgentFirst } from '../domain/urgency.ts';
import { countWaiting } from '../domain/waiting.ts';
import { openEventStoreReader } from '../services/event-store/index.ts';
import { readBrandConfig } from './configuration.ts';
import { brandPlaces, workspacePlaces } from './places.ts';
import { waitingOfAsk } from './waiting.ts';
import { brandProjections } from './projections.ts';

/** How a workspace stands while no core runs: read from its files and logs, which are not changed. */
export function closedStatus(workspace: string): StatusView {
  const places = workspacePlaces(workspace);
  const waits: WaitingItem[] = [];
  const names = existsSync(places.brands) ? readdirSync(places.brands).sort() : [];
  const brands = names.flatMap((name): StatusView['brands'] => {
    const id = BrandId.safeParse(name);
    if (!id.success || !existsSync(join(places.brands, name, 'brand.yaml'))) return [];
    const own = brandPlaces(places, id.data);
    const config = readBrandConfig(own.config);
    if (!config.ok) return [{ id: id.data, state: 'closed', error: config.failure.message }];
    if (!existsSync(own.log)) return [{ id: id.data, state: 'open' }];
    const opened = openEventStoreReader({ file: own.log, projections: brandProjections });
    if (!opened.ok) return [{ id: id.data, state: 'closed', error: opened.message }];
    const rows = opened.reader.query<{ record: string }>('SELECT record FROM projection_tickets_waiting');
    waits.push(...rows.map((row) => JSON.parse(row.record) as WaitingItem));
    const asks = opened.reader.query<{ record: string }>(
      "SELECT record FROM projection_asks WHERE state = 'open'",
    );
    waits.push(...asks.map((row) => waitingOfAsk(id.data, JSON.parse(row.record) as AskView, null)));
    opened.reader.close();
    return [{ id: id.data, state: 'open' }];
  });
  return {
    workspace,
    core: null,
    brands,
    waiting: countWaiting(waits),
    waits: urgentFirst(waits),
    running: 0,
  };
}
