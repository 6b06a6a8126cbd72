export { canonicalJson } from './canonical-json.ts';
export type { ChainResult, Head } from './chain.ts';
export type { NewEvent, StoredEvent, Upcaster } from './event.ts';
export { StoreFault, type StoreFaultCode } from './fault.ts';
export {
  openEventStore,
  openEventStoreReader,
  type OpenFailure,
  type OpenFailureCode,
  type OpenOptions,
  type OpenReaderOptions,
  type OpenReaderResult,
  type OpenResult,
} from './open.ts';
export type { ProjectionDatabase, ProjectionRow, SqlValue } from './projection-database.ts';
export type { Projection, ProjectionComparison } from './projections.ts';
export { createReactor, type Reactor, type ReactorOptions, type ReactorStore } from './reactor.ts';
export type { EventStoreReader } from './reader.ts';
export type { AppendInput, AppendResult, EventStore } from './store.ts';
