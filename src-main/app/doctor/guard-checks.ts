import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { plural } from '../../domain/plural.ts';
import { EIGHT_CONTRACTS } from '../../domain/contracts.ts';
import { INSIDE } from '../../domain/inside.ts';
import { EXECUTOR } from '../../domain/ticket.ts';
import type { GuardDecision } from '../../contract/guard.ts';
import type { Sandbox } from '../../services/sandbox/index.ts';
import { readContracts } from '../configuration.ts';
import type { Places } from '../places.ts';
import { fails, holds, type Checks } from './check.ts';

/** What roles may do, and whether that is held to (6 to 9). */
export function guardChecks(parts: {
  places: Places;
  /** What is bound into every sandbox: `resources/run`. */
  tools: string;
  /** The question that `guard check` and every hook ask. */
  ask(question: unknown): GuardDecision;
  sandbox: Sandbox;
}): Checks {
  const { places, tools } = parts;
  const installed = digests(tools);

  return {
    workspace: [
      {
        number: 6,
        mark: () => stamps(places.agents),
        prove: () => {
          const missing = EIGHT_CONTRACTS.filter((name) => !existsSync(join(places.agents, `${name}.md`)));
          if (missing.length > 0)
            return fails(`${places.agents} lacks ${missing.join(', ')}: put back what is missing`);
          const read = readContracts(places.agents);
          return read.ok
            ? holds(`all eight exist, ${plural(read.value.length, 'contract')} with valid frontmatter`)
            : fails(read.failure.message);
        },
      },
      {
        number: 7,
        mark: () => stamps(places.agents),
        prove: () => {
          const read = readContracts(places.agents);
          if (!read.ok) return fails(read.failure.message);
          return holds(`no two of ${read.value.length} contracts write the same pages`);
        },
      },
      {
        number: 8,
        mark: () => stamps(tools),
        prove: () => {
          const now = digests(tools);
          const added = [...now.keys()].find((file) => !installed.has(file));
          if (added !== undefined) return fails(`${join(tools, added)} was not there when the core started`);
          for (const [file, digest] of installed) {
            if (now.get(file) !== digest)
              return fails(`${join(tools, file)} is not as it was when the core started`);
            const { mode, size } = statSync(join(tools, file));
            if (size === 0) return fails(`${join(tools, file)} is empty`);
            if ((mode & 0o022) !== 0) return fails(`${join(tools, file)} can be written by others`);
          }
          return holds(
            `${plural(installed.size, 'file')} that every run is given, unchanged and its owner’s alone to write`,
          );
        },
      },
    ],
    brand: [
      {
        number: 7,
        mark: () => stamps(places.agents),
        prove: ({ brand }) => {
          const lost = EIGHT_CONTRACTS.find((name) => !brand.contract(name).ok);
          return lost === undefined
            ? holds('all eight registered')
            : fails(`the contract ${lost} is not in force: start the core again`);
        },
      },
      {
        number: 9,
        mark: () => [parts.sandbox.stamp(), stamps(tools), stamps(places.agents)].join('\n'),
        prove: async (patient, examination) => {
          const { brand } = patient;
          const canaries: { tool: string; input: Record<string, unknown> }[] = [
            { tool: 'write_file', input: { file_path: join(places.state, 'x') } },
            { tool: 'write_file', input: { file_path: brand.places.tickets } },
            { tool: 'write_file', input: { file_path: join(places.wiki, brand.id, 'x.md') } },
            { tool: 'read_file', input: { file_path: '/etc/shadow' } },
            { tool: 'run_shell_command', input: { command: 'echo x > tickets.jsonl' } },
            { tool: 'task', input: { prompt: 'x' } },
            { tool: 'a_tool_that_nobody_knows', input: {} },
          ];
          for (const { tool, input } of canaries) {
            const question = { brand: brand.id, role: EXECUTOR, tool, input, cwd: INSIDE.checkout };
            const { decision, rule } = parts.ask(question);
            if (decision !== 'deny')
              return fails(`${tool} ${JSON.stringify(input)} was not denied, by rule ${rule}`);
          }
          if (parts.ask('nonsense').decision !== 'deny')
            return fails('a question that cannot be read was not denied');
          const call = await examination.layer(patient, 'call');
          return call.live
            ? holds(`${canaries.length + 1} canary questions denied; inside, ${call.detail}`)
            : fails(`inside, ${call.detail}`);
        },
      },
    ],
  };
}

function files(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => statSync(join(folder, name)).isFile())
    .sort();
}

function digests(folder: string): Map<string, string> {
  return new Map(
    files(folder).map((name) => [
      name,
      createHash('sha256')
        .update(readFileSync(join(folder, name)))
        .digest('hex'),
    ]),
  );
}

/** A text that changes when a file below a folder does. */
function stamps(folder: string): string {
  return files(folder)
    .map((name) => {
      const { ino, size, mtimeNs, mode } = statSync(join(folder, name), { bigint: true });
      return [name, ino, size, mtimeNs, mode].join(' ');
    })
    .join('\n');
}
