#!/usr/bin/env node
/*
 * `atrium` as a run finds it on its PATH: it reports and asks, over the run's own socket. What approves or moves anything is not
 * here and not behind that socket. Exit codes: 0 taken, 1 refused, 2 usage, 3 the core cannot be reached.
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { call, Failure, fromEnvironment, submitWork } from './run-call.mjs';

const usage = `atrium submit result --summary TEXT        report what was done: the ticket, HEAD and the changed files are filled in
atrium submit result --file F              a text with one block fenced as \`\`\`atrium-result, or its JSON; "-" reads stdin
atrium submit plan --file F                submit the plan, in markdown, and stop; "-" reads stdin
atrium submit review --version N --decision approve|revise [--note TEXT]
atrium submit verdict --verdict pass|fail|unverified --commit C [--reason R]...
atrium progress TEXT                       say how far the work is
atrium comment TEXT                        leave a remark on the ticket
atrium ask TEXT [--choice TEXT]...         ask the operator, and wait some minutes for the answer
atrium wiki search TEXT                    search the wiki
atrium wiki request TEXT                   ask the librarian to write something
atrium handoff write [--completed TEXT]... [--next TEXT]... [--blocker TEXT]... [--notes TEXT]
                                           leave a handoff for the next attempt
atrium brief                               print the brief again
atrium hook EVENT                          answer a hook: stdin is the agent program's JSON, exit code 2 denies
atrium mcp                                 the same as tools, over the Model Context Protocol on stdio
--json prints one JSON value`;

/** A call may wait for the operator. */
const hookMs = 24 * 3_600_000;
/** A question waits for a person. */
const askMs = 10 * 60_000;
/** The tools of `atrium mcp`, bundled by the build. */
const toolsFile = '/opt/atrium/mcp/mcp.mjs';
const json = process.argv.includes('--json');

function misuse(message) {
  return new Failure(2, 'usage', message, usage);
}

function submitResult(values) {
  if ((values.file === undefined) === (values.summary === undefined)) {
    throw misuse('`atrium submit result` takes either --summary or --file.');
  }
  if (values.summary !== undefined) return submitWork(values.summary);
  const text = textOf(values.file);
  if (!text.trimStart().startsWith('{')) {
    return call('POST', '/api/executions/callback', { ticketId: fromEnvironment('ATRIUM_TICKET'), text });
  }
  let result;
  try {
    result = JSON.parse(text);
  } catch (error) {
    throw new Failure(1, 'invalid-file', `${values.file} holds no valid JSON: ${error.message}`);
  }
  return call('POST', '/api/run/result', result);
}

function textOf(file) {
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (error) {
    throw new Failure(1, 'invalid-file', `${file} cannot be read (${error.code}).`);
  }
}

function submitPlan(values) {
  if (values.file === undefined) throw misuse('`atrium submit plan` takes --file.');
  return call('POST', '/api/run/plan', {
    ticket: fromEnvironment('ATRIUM_TICKET'),
    text: textOf(values.file),
  });
}

function submitReview({ version, decision, note = '' }) {
  if (!/^[1-9][0-9]*$/.test(version ?? ''))
    throw misuse('--version takes the number of the plan that was read.');
  if (!['approve', 'revise'].includes(decision)) throw misuse('--decision takes approve or revise.');
  return call('POST', '/api/run/review', {
    ticket: fromEnvironment('ATRIUM_TICKET'),
    version: Number(version),
    decision,
    note,
  });
}

async function askOperator({ choice: choices = [] }, [, text]) {
  const reply = await call('POST', '/api/run/ask', { text, choices }, askMs);
  return { ...reply, message: reply.answer ?? reply.message };
}

async function searchWiki(query) {
  const reply = await call('POST', '/api/run/wiki-search', { query });
  const found = reply.hits.map((hit) => `${hit.page} (${hit.title})\n${hit.text}`).join('\n\n');
  return { ...reply, message: found === '' ? 'The wiki says nothing about it.' : found };
}

function writeHandoff({ completed = [], next = [], blocker: blockers = [], notes = '' }) {
  return call('POST', '/api/run/checkpoint', { completed, next_steps: next, blockers, notes });
}

async function serveTools() {
  try {
    await import(toolsFile);
  } catch (error) {
    if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error;
    throw new Failure(3, 'not-built', `${toolsFile} is missing.`, 'Build Atrium: `npm run build`.');
  }
  return null;
}

function submitVerdict(values) {
  if (!['pass', 'fail', 'unverified'].includes(values.verdict))
    throw misuse('--verdict takes pass, fail or unverified.');
  if (values.commit === undefined)
    throw misuse('`atrium submit verdict` takes --commit: the full id of what was looked at.');
  const { verdict, commit, reason: reasons = [] } = values;
  return call('POST', '/api/run/verdict', {
    ticket: fromEnvironment('ATRIUM_TICKET'),
    commit,
    verdict,
    reasons,
  });
}

/** Answers a hook. Whatever keeps it from being decided is a denial: only exit code 2 denies with every agent program. */
async function hook(_values, [, event]) {
  const denied = (reason) => new Failure(2, 'denied', reason);
  let input;
  try {
    input = JSON.parse(readFileSync(0, 'utf8'));
  } catch {
    throw denied("The hook's input is not JSON.");
  }
  let reply;
  try {
    reply = await call('POST', '/api/run/guard', { event, input }, hookMs);
  } catch (error) {
    throw denied(`The guard could not decide: ${error.message}`);
  }
  if (reply.decision !== 'allow') throw denied(`${reply.reason} (${reply.rule})`);
  const said = { permissionDecision: 'allow', permissionDecisionReason: reply.reason };
  // Claude Code goes by the first, Gemini CLI by the second; without an explicit word each has rules of its own.
  const before = event === 'PreToolUse' ? { hookSpecificOutput: { hookEventName: event, ...said } } : {};
  return {
    verbatim: JSON.stringify({ ...before, ...(event === 'BeforeTool' ? { decision: 'allow' } : {}) }),
  };
}

/** Which options each verb takes; every other is a usage error. */
const verbs = {
  'submit result': { options: ['file', 'summary'], words: 2, run: submitResult },
  'submit plan': { options: ['file'], words: 2, run: submitPlan },
  'submit review': { options: ['version', 'decision', 'note'], words: 2, run: submitReview },
  'submit verdict': { options: ['verdict', 'commit', 'reason'], words: 2, run: submitVerdict },
  progress: {
    options: [],
    words: 2,
    run: (_values, [, text]) => call('POST', '/api/run/progress', { text }),
  },
  comment: { options: [], words: 2, run: (_values, [, text]) => call('POST', '/api/run/comment', { text }) },
  hook: { options: [], words: 2, run: hook },
  ask: { options: ['choice'], words: 2, run: askOperator },
  'wiki search': { options: [], words: 3, run: (_values, [, , text]) => searchWiki(text) },
  'wiki request': {
    options: [],
    words: 3,
    run: (_values, [, , text]) => call('POST', '/api/run/wiki-write', { text }),
  },
  'handoff write': { options: ['completed', 'next', 'blocker', 'notes'], words: 2, run: writeHandoff },
  mcp: { options: [], words: 1, run: serveTools },
  brief: { options: [], words: 1, run: () => call('GET', '/api/run/brief') },
};

/** Verbs of two words, and what may stand second. */
const groups = new Map([
  ['submit', 'plan, result, review or verdict'],
  ['wiki', 'search or request'],
  ['handoff', 'write'],
]);

function parse() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        file: { type: 'string' },
        summary: { type: 'string' },
        verdict: { type: 'string' },
        commit: { type: 'string' },
        reason: { type: 'string', multiple: true },
        version: { type: 'string' },
        decision: { type: 'string' },
        note: { type: 'string' },
        choice: { type: 'string', multiple: true },
        completed: { type: 'string', multiple: true },
        next: { type: 'string', multiple: true },
        blocker: { type: 'string', multiple: true },
        notes: { type: 'string' },
        json: { type: 'boolean' },
        help: { type: 'boolean' },
      },
    });
  } catch (error) {
    return error;
  }
}

async function main() {
  const words = process.argv.slice(2).filter((word) => !word.startsWith('-'));
  const parsed = parse();
  const first = words[0];
  if (
    parsed instanceof Error
      ? first === undefined
      : parsed.values.help === true || parsed.positionals.length === 0
  ) {
    if (!(parsed instanceof Error) && parsed.values.help === true) return { message: usage };
    throw misuse('Say what to do.');
  }
  const name = groups.has(first) ? `${first} ${words[1] ?? ''}`.trim() : first;
  const verb = Object.hasOwn(verbs, name) ? verbs[name] : undefined;
  if (verb === undefined && !groups.has(first))
    throw new Failure(1, 'forbidden', 'Only the operator can do that.');
  if (verb === undefined) throw misuse(`\`atrium ${first}\` takes ${groups.get(first)}.`);
  if (parsed instanceof Error) throw misuse(parsed.message);
  const stray = Object.keys(parsed.values).find(
    (option) => option !== 'json' && !verb.options.includes(option),
  );
  if (stray !== undefined) throw misuse(`\`atrium ${name}\` takes no --${stray}.`);
  if (parsed.positionals.length !== verb.words) throw misuse(`\`atrium ${name}\` takes other arguments.`);
  return verb.run(parsed.values, parsed.positionals);
}

try {
  const value = await main();
  if (value !== null) {
    const plain = value.verbatim ?? value.brief ?? value.message ?? '';
    process.stdout.write(
      json && value.verbatim === undefined
        ? `${JSON.stringify(value)}\n`
        : plain.endsWith('\n')
          ? plain
          : `${plain}\n`,
    );
  }
} catch (error) {
  const failure = error instanceof Failure ? error : new Failure(1, 'fault', String(error?.message ?? error));
  const { code, message, hint } = failure;
  if (json) process.stdout.write(`${JSON.stringify({ error: { code, message, hint } })}\n`);
  else process.stderr.write(hint ? `${message}\n${hint}\n` : `${message}\n`);
  process.exitCode = failure.exitCode;
}
