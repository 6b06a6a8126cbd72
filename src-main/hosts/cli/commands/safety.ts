import path from 'node:path';
import { BrandId } from '../../../contract/ids.ts';
import type { GuardProof } from '../../../contract/layers.ts';
import type { DoctorReport, GuardDecision } from '../../../contract/operator-api.ts';
import { valueOf } from '../failure.ts';
import { freshCommandId, idOf } from '../ids.ts';
import { readStdin } from '../input.ts';
import { dollars, table } from '../output.ts';
import { oneOf } from '../program.ts';
import type { Group } from '../program.ts';

/** `guard check`, `doctor`, `cost`, `export` and `import`. */
export function addSafetyCommands(program: Group): void {
  const guard = program.group('guard', 'what runs may do');
  guard.add(
    'check',
    'ask the policy about one tool call; stdin is its JSON',
    [],
    async ({ output, core, place }) => {
      place();
      const asked = readJson(await readStdin());
      const decision =
        asked === undefined
          ? malformed()
          : valueOf(await (await core()).client.guard.check({ question: asked.question }));
      output.value(
        decision,
        () => `${decision.decision}: ${decision.reason} (${decision.rule}, ${decision.layer})`,
      );
    },
  );

  guard.add<{ brand?: string }>(
    'prove',
    'fire canaries through the four layers; exit code 1 where one is not live',
    [{ flags: '--brand <id>', description: 'of this brand only' }],
    async ({ output, core }, options) => {
      const brand = options.brand === undefined ? {} : { brand: idOf(BrandId, options.brand) };
      const { client } = await core();
      const proof = valueOf(await client.guard.prove(brand));
      output.value(proof, () => describeProof(proof));
      const holds = proof.brands.every(({ layers }) => layers.length > 0 && layers.every(({ live }) => live));
      if (!holds || proof.breaches > 0) process.exitCode = 1;
    },
  );

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

function readJson(text: string): { question: unknown } | undefined {
  try {
    return { question: JSON.parse(text) as unknown };
  } catch {
    return undefined;
  }
}

/** What cannot be read cannot be allowed. */
function malformed(): GuardDecision {
  return { decision: 'deny', rule: 'malformed-input', reason: 'The question is not JSON.', layer: 'policy' };
}

function describeProof({ brands, breaches }: GuardProof): string {
  const rows = brands.flatMap(({ id, sealed, layers }) =>
    layers.map(({ layer, live, detail }) => [
      sealed ? `${id} (sealed)` : id,
      layer,
      live ? 'live' : 'NOT LIVE',
      detail,
    ]),
  );
  return `${table(['BRAND', 'LAYER', '', ''], rows, 'No brand.')}\n\n${breaches === 1 ? '1 breach' : `${breaches} breaches`}`;
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
