#!/usr/bin/env node
import { CommanderError } from 'commander';
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { exitCodeOf, fail } from '../../contract/errors.ts';
import type { Failure } from '../../contract/errors.ts';
import { addBrandCommands } from './commands/brand.ts';
import { addKnowledgeCommands } from './commands/knowledge.ts';
import { addOpenCommands } from './commands/open.ts';
import { addGuardCommands } from './commands/guard.ts';
import { addUnbuiltCommands } from './commands/unbuilt.ts';
import { addRunCommands } from './commands/run.ts';
import { addSafetyCommands } from './commands/safety.ts';
import { addStartCommand } from './commands/start.ts';
import { addTicketCommands } from './commands/ticket.ts';
import { addDecisionCommands } from './commands/decisions.ts';
import { addTicketMoveCommands } from './commands/ticket-moves.ts';
import { nodePath } from './context.ts';
import { CommandFailure, failureOf } from './failure.ts';
import { printable } from './output.ts';
import { createProgram } from './program.ts';

const appRoot = path.resolve(import.meta.dirname, '../..');

/** Exit code of a command; every failure is printed here and nowhere else. */
async function run(args: string[]): Promise<number> {
  const program = createProgram(appRoot, versionOf());
  addOpenCommands(program);
  addBrandCommands(program);
  const ticket = addTicketCommands(program);
  addTicketMoveCommands(ticket);
  addDecisionCommands(program, ticket);
  addStartCommand(program);
  addRunCommands(program);
  addGuardCommands(program);
  addSafetyCommands(program);
  addKnowledgeCommands(program);
  addUnbuiltCommands(program);
  try {
    await program.command.parseAsync(args, { from: 'user' });
    return Number(process.exitCode ?? 0);
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0;
    const beside = error instanceof CommandFailure ? error.beside : {};
    const failure = error instanceof CommanderError ? usageFailure(error) : failureOf(error);
    tell(failure, beside, args);
    return exitCodeOf(failure.code);
  }
}

function usageFailure(error: CommanderError): Failure {
  const message =
    error.code === 'commander.help' ? 'Name a command' : error.message.replace(/^error: /, '').split('\n')[0];
  return fail('usage', `${(message ?? '').replace(/[.]$/, '')}.`, 'See `atrium --help`.').failure;
}

function tell(failure: Failure, beside: Record<string, unknown>, args: string[]): void {
  const end = args.indexOf('--');
  if ((end < 0 ? args : args.slice(0, end)).includes('--json')) {
    process.stdout.write(`${JSON.stringify({ error: failure, ...beside })}\n`);
    return;
  }
  process.stderr.write(`atrium: ${printable(sentenceOf(failure))}\n`);
}

/** What is wrong and what to do, as one sentence. */
function sentenceOf({ message, hint }: Failure): string {
  const wrong = message.replace(/[.]$/, '');
  if (hint === '') return `${wrong}.`;
  const advice = hint.replace(/[.]$/, '');
  return `${wrong}; ${/^[A-Z][a-z ]/.test(advice) ? advice.charAt(0).toLowerCase() + advice.slice(1) : advice}.`;
}

function versionOf(): string {
  const manifest = JSON.parse(readFileSync(path.join(appRoot, 'package.json'), 'utf8')) as {
    version: string;
  };
  return manifest.version;
}

/** Runs this very command under the node that Atrium brings along. */
function runUnder(node: string, args: string[]): void {
  const child = spawn(node, [import.meta.filename, ...args], { stdio: 'inherit' });
  // The terminal sends Ctrl-C to both; the child decides what it means.
  process.on('SIGINT', () => undefined);
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  child.on('error', () => process.exit(3));
  child.on('exit', (code, signal) => process.exit(signal === null ? (code ?? 1) : 1));
}

// A reader that closes early, as `head` does, is no failure.
process.stdout.on('error', () => process.exit(0));

const args = process.argv.slice(2);
const node = nodePath(appRoot);
if (Number(process.versions.node.split('.')[0]) < 24 && node !== process.execPath) runUnder(node, args);
else {
  const code = await run(args);
  // What was written to a pipe must be there before the process goes.
  process.stdout.write('', () => process.exit(code));
}
