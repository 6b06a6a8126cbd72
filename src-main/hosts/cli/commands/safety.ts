import path from 'node:path';
import { BrandId } from '../../../contract/ids.ts';
import type { DoctorReport } from '../../../contract/doctor.ts';
import { valueOf } from '../failure.ts';
import { freshCommandId, idOf } from '../ids.ts';
import { dollars, table } from '../output.ts';
import { oneOf } from '../program.ts';
import type { Group } from '../program.ts';

/** `doctor`, `cost`, `export` and `import`. */
export function addSafetyCommands(program: Group): void {
  program.add<{ grade?: boolean; brand?: string }>(
    'doctor',
    'the nineteen checks',
    [
      { flags: '--grade', description: 'exit with 1 below A' },
      { flags: '--brand <id>', description: 'of this brand and the workspace' },
    ],
    async ({ output, core }, options) => {
      const brand = options.brand === undefined ? {} : { brand: idOf(BrandId, options.brand) };
      const { client } = await core();
      const report = valueOf(await client.doctor(brand));
      output.value(report, () => describeDoctor(report));
      if (options.grade === true && report.passed < report.total) process.exitCode = 1;
    },
  );

  program.add<{ by?: 'day' | 'model' | 'brand' }>(
    'cost',
    'what was spent',
    [{ flags: '--by <key>', description: 'day, model or brand', read: oneOf(['day', 'model', 'brand']) }],
    async ({ output, core }, { by }) => {
      const { client } = await core();
      const report = valueOf(await client.cost({ by: by ?? 'day' }));
      output.value(report, () => {
        const rows = report.rows.map((row) => [
          row.key,
          String(row.inputTokens),
          String(row.outputTokens),
          dollars(row.costUsd),
        ]);
        return `${table([(by ?? 'day').toUpperCase(), 'IN', 'OUT', 'COST'], rows, 'Nothing was spent.')}\n\nTotal ${dollars(report.total)}`;
      });
    },
  );

  program.add<{ brand?: string }>(
    'export',
    'write the tickets of brands to tickets.jsonl',
    [{ flags: '--brand <id>', description: 'of this brand only' }],
    async ({ output, core }, options) => {
      const brand = options.brand === undefined ? {} : { brand: idOf(BrandId, options.brand) };
      const { client } = await core();
      const files = valueOf(await client.export(brand));
      output.value(files, () =>
        table(
          ['BRAND', 'TICKETS', 'FILE'],
          files.map((each) => [each.brand, String(each.tickets), each.file]),
          'No brand yet.',
        ),
      );
    },
  );

  program.add<{ brand: string }>(
    'import <file>',
    'read tickets from a tickets.jsonl into a brand',
    [{ flags: '--brand <id>', description: 'into this brand', required: true }],
    async ({ output, core }, options, given = '') => {
      const brand = idOf(BrandId, options.brand);
      const { client } = await core();
      const read = valueOf(
        await client.import({ commandId: freshCommandId(), brand, file: path.resolve(given) }),
      );
      output.value(read, () => `${read.tickets} tickets were read into ${read.brand}.`);
    },
  );
}

function describeDoctor(report: DoctorReport): string {
  const rows = report.checks.map((check) => [
    String(check.number),
    check.ok ? 'ok' : 'not ok',
    check.title,
    check.detail,
  ]);
  const said = [
    ...report.mended.map((each) => `Mended: ${each}`),
    ...report.noted.map((each) => `Noted: ${each}`),
    `Grade ${report.grade}: ${report.passed} of ${report.total}`,
  ];
  return `${table(['', '', 'CHECK', ''], rows, 'No check.')}\n\n${said.join('\n')}`;
}
