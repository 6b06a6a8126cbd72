import type { DoctorReport } from '../../../src-main/contract/doctor.ts';
import { CHECK_TITLES, grade } from '../../../src-main/domain/doctor.ts';

const proved = [
  'workspace.yaml reads, every brand opens; label: brand.yaml reads; quant: brand.yaml reads',
  'label: brand.db is sound, schema version 1; quant: brand.db is sound, schema version 1',
  'label: 4218 events, each names the one before it; quant: 812 events, each names the one before it',
  'label: 3 projections equal a replay, row by row; quant: 3 projections equal a replay, row by row',
];

/** An examination in which two checks do not hold, one with a long detail. */
export function examination(at: string): DoctorReport {
  const checks = CHECK_TITLES.map((title, index) => ({
    number: index + 1,
    title,
    ok: index !== 11 && index !== 17,
    detail:
      index === 11
        ? 'label: main of shop was moved from 4be1f0a2c9 to 9d02e1177a, which does not hold it: nothing is built on it until you move it back, or say "atrium brand accept label shop --commit 9d02e1177ab34c55f0e1a2b3c4d5e6f708192a3b"'
        : index === 17
          ? 'label: T-label-14 is a dead letter that nobody has looked at for a day: draft its successor, or say on it why not'
          : (proved[index % proved.length] ?? ''),
    ms: 12 + index * 40,
    built: true,
    at,
  }));
  return {
    ...grade(checks),
    deviations: checks.flatMap(({ number, ok, detail }) => (ok ? [] : [{ number, brand: null, detail }])),
    at,
    mended: ['label: tickets.jsonl was written again from the log'],
    noted: [
      'label: main of shop went on to 77aa01b2c3 by other hands',
      'quant: a page was changed since Atrium wrote it: wiki/quant/order-book.md',
    ],
  };
}
