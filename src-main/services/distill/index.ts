/** Distillation: a day's work in, cited claims, questions and a ledger out. */
export { distil, keepAsked, openLedger, rulesDistiller } from './distil.ts';
export type { Asked, DistilReport } from './distil.ts';
export { fileLedger } from './ledger.ts';
export type { Distiller, Evidence, LedgerFile, Pages } from './ports.ts';
