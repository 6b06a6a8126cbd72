import { AskId, BrandId, RunId } from '../../../contract/ids.ts';
import type { AskView, DecisionEntry, GuardDecision } from '../../../contract/guard.ts';
import type { GuardProof } from '../../../contract/layers.ts';
import { failureOf, valueOf } from '../failure.ts';
import { freshCommandId, idOf } from '../ids.ts';
import { readStdin } from '../input.ts';
import { table } from '../output.ts';
import { oneOf, whole } from '../program.ts';
import type { Group } from '../program.ts';

/** `guard check`, `prove`, `asks`, `answer` and `log`, and `hook`. */
export function addGuardCommands(program: Group): void {
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
          : valueOf(await (await core()).client.guard.check({ question: asked.value }));
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

  guard.add<{ brand?: string; all?: boolean }>(
    'asks',
    'the calls that wait for your answer',
    [
      { flags: '--brand <id>', description: 'of this brand only' },
      { flags: '--all', description: 'also those that were answered or expired' },
    ],
    async ({ output, core }, options) => {
      const { client } = await core();
      const asks = valueOf(await client.guard.asks({ ...brandOf(options.brand), all: options.all === true }));
      output.value(asks, () => describeAsks(asks));
    },
  );

  guard.add<{ note?: string }>(
    'answer <ask> <decision>',
    'let one call go on, or deny it: allow or deny',
    [{ flags: '--note <text>', description: 'what the agent is told beside it' }],
    async ({ output, core }, options, ask = '', decision = '') => {
      const id = idOf(AskId, ask);
      const given = oneOf(['allow', 'deny'])(decision) as 'allow' | 'deny';
      const { client } = await core();
      const note = options.note ?? '';
      const answered = valueOf(
        await client.guard.answer({ commandId: freshCommandId(), id, decision: given, note }),
      );
      output.value(answered, () => `${answered.id} was ${answered.state}.`);
    },
  );

  guard.add<{ brand?: string; run?: string; decision?: DecisionEntry['decision']; limit?: number }>(
    'log',
    'what the guard decided about calls of runs, the newest first',
    [
      { flags: '--brand <id>', description: 'of this brand only' },
      { flags: '--run <id>', description: 'of this run only' },
      {
        flags: '--decision <word>',
        description: 'allow, deny or ask only',
        read: oneOf(['allow', 'deny', 'ask']),
      },
      { flags: '--limit <n>', description: 'at most so many (200)', read: whole(1, 2_000) },
    ],
    async ({ output, core }, { brand, run, decision, limit }) => {
      const { client } = await core();
      const entries = valueOf(
        await client.guard.log({
          ...brandOf(brand),
          ...(run === undefined ? {} : { run: idOf(RunId, run) }),
          ...(decision === undefined ? {} : { decision }),
          ...(limit === undefined ? {} : { limit }),
        }),
      );
      output.value(entries, () => describeLog(entries));
    },
  );

  program.add<{ brand?: string; role?: string }>(
    'hook <event>',
    "answer an agent program's hook; stdin is the program's JSON, exit code 2 is a denial",
    [
      { flags: '--brand <id>', description: 'the brand, where the call is not made in a checkout of it' },
      { flags: '--role <name>', description: 'the contract that holds (ticket-executor)' },
    ],
    async ({ output, core, place }, options, event = '') => {
      const ask = async (): Promise<GuardDecision> => {
        place();
        const read = readJson(await readStdin());
        if (read === undefined) return malformed();
        const { client } = await core();
        const role = options.role ?? 'ticket-executor';
        return valueOf(
          await client.guard.hook({ event, input: read.value, ...brandOf(options.brand), role }),
        );
      };
      // Only exit code 2 denies with every agent program: what keeps the guard from deciding is a denial too.
      const decision = await ask().catch((error: unknown): GuardDecision => {
        const reason = `The guard could not decide: ${failureOf(error).message}`;
        return { decision: 'deny', rule: 'guard-fault', reason, layer: 'call' };
      });
      // An agent program reads the reason from stderr; nobody waits here for an answer, so that an ask is a denial too.
      if (decision.decision !== 'allow') {
        process.stderr.write(`${decision.reason} (${decision.rule})\n`);
        process.exitCode = 2;
      }
      output.value(decision, () => (decision.decision === 'allow' ? decision.reason : ''));
    },
  );
}

function brandOf(brand: string | undefined): { brand?: BrandId } {
  return brand === undefined ? {} : { brand: idOf(BrandId, brand) };
}

function readJson(text: string): { value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) as unknown };
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

function describeAsks(asks: AskView[]): string {
  return table(
    ['ASK', 'BRAND', 'TICKET', 'TOOL', 'WHAT', 'RULE', 'STATE', 'UNTIL'],
    asks.map((ask) => [
      ask.id,
      ask.brand,
      ask.ticket ?? '',
      ask.tool,
      ask.text || ask.paths.join(', '),
      `${ask.rule}: ${ask.reason}`,
      ask.state,
      ask.expiresAt,
    ]),
    'Nothing waits for an answer.',
  );
}

function describeLog(entries: DecisionEntry[]): string {
  return table(
    ['AT', 'RUN', 'DECISION', 'TOOL', 'WHAT', 'RULE', 'REASON', 'MS'],
    entries.map((entry) => [
      entry.at,
      entry.run ?? '',
      entry.moment === 'after' ? `${entry.decision} (after)` : entry.decision,
      entry.tool,
      entry.text || entry.paths.join(', '),
      `${entry.rule} (${entry.level})`,
      entry.reason,
      entry.ms.toFixed(2),
    ]),
    'No decision yet.',
  );
}
