import { BrandId, RunId, TicketId } from '../../../contract/ids.ts';
import type { RunView } from '../../../contract/runs.ts';
import { DESK_ROLE, TERMINAL_PATH } from '../../../contract/terminal-names.ts';
import { openSocket } from '../../core/client.ts';
import { attachTerminal } from '../attach.ts';
import { refuse, valueOf } from '../failure.ts';
import { freshCommandId, idOf } from '../ids.ts';
import { dollars, facts, table } from '../output.ts';
import type { Group } from '../program.ts';

/** `run list`, `show`, `stop` and `attach`. */
export function addRunCommands(program: Group): void {
  const run = program.group('run', 'agent processes');

  run.add<{ brand?: string; ticket?: string }>(
    'list',
    'all runs',
    [
      { flags: '--brand <id>', description: 'of this brand only' },
      { flags: '--ticket <id>', description: 'of this ticket only' },
    ],
    async ({ output, core }, options) => {
      const brand = options.brand === undefined ? {} : { brand: idOf(BrandId, options.brand) };
      const ticket = options.ticket === undefined ? {} : { ticket: idOf(TicketId, options.ticket) };
      const { client } = await core();
      const runs = valueOf(await client.run.list({ ...brand, ...ticket }));
      output.value(runs.map(present), () =>
        table(
          ['RUN', 'TICKET', 'ROLE', 'RUNTIME', 'STATE', 'TOKENS', 'COST'],
          runs.map((each) => [
            each.id,
            each.ticket ?? '',
            each.role,
            each.runtime,
            each.state,
            String(each.tokens.input + each.tokens.output),
            dollars(each.costUsd),
          ]),
          'No run.',
        ),
      );
    },
  );

  run.add('show <id>', 'one run', [], async ({ output, core }, _options, given) => {
    const id = idOf(RunId, given);
    const { client } = await core();
    const shown = valueOf(await client.run.show({ id }));
    output.value(present(shown), () => describe(shown));
  });

  run.add(
    'attach <id>',
    'this terminal on one of a desk; Ctrl-] leaves it',
    [],
    async ({ output, core }, _options, given) => {
      const id = idOf(RunId, given);
      const { client } = await core();
      const shown = valueOf(await client.run.show({ id }));
      if (shown.role !== DESK_ROLE)
        refuse(
          'refused-transition',
          `Run ${id} has no terminal: only a desk’s runs have one.`,
          `See "atrium run show ${id}".`,
        );
      const { socket } = await client.host.info({});
      const line = await openSocket(socket, { need: 'command', now: undefined }, TERMINAL_PATH);
      if (line === undefined) refuse('core-unreachable', 'The core ended.', 'Try again.');
      const attached = await attachTerminal(
        line,
        id,
        process.stdin,
        output.json ? process.stderr : process.stdout,
      );
      if (attached.how === 'refused') refuse('not-found', attached.reason, 'See "atrium run list".');
      output.value({ id, ...attached }, () =>
        attached.how === 'left' ? `Left ${id}; it goes on.` : `${id} ended with exit code ${attached.code}.`,
      );
    },
  );

  run.add('stop <id>', 'end a run', [], async ({ output, core }, _options, given) => {
    const id = idOf(RunId, given);
    const { client } = await core();
    const stopped = valueOf(await client.run.stop({ commandId: freshCommandId(), id }));
    output.value(present(stopped), () => `${stopped.id} is ${stopped.state}.`);
  });
}

/** As scripts rely on it: tokens are one number, with its parts beside it. */
function present(run: RunView): object {
  const { input, output } = run.tokens;
  return { ...run, tokens: input + output, inputTokens: input, outputTokens: output };
}

function describe(run: RunView): string {
  return facts([
    ['Run', run.id],
    ['Brand', run.brand],
    ['Ticket', run.ticket],
    ['Attempt', run.attempt],
    ['Role', run.role],
    ['Runtime', run.runtime],
    ['State', run.state],
    ['', run.reason],
    ['Started', run.startedAt],
    ['Ended', run.endedAt],
    ['Context', run.contextUsed === null ? null : `${Math.round(run.contextUsed * 100)} %`],
    ['Tokens', `${run.tokens.input} in, ${run.tokens.output} out`],
    ['Cost', dollars(run.costUsd)],
    ['Canaries', run.canaries === null ? null : `${run.canaries} denied before the launch`],
    ['Limits', run.limits],
  ]);
}
