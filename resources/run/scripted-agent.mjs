// The agent program of the `scripted` runtime: plays steps, honest and not, for rehearsals and tests.
import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { dirname } from 'node:path';
import { ask, commitAll, end, headCommit, readTask, runShell, submitResult, tell } from './line-agent.mjs';

const players = {
  say: (text) => tell({ event: 'text', text }),
  think: (text) => tell({ event: 'thought', text }),
  usage: (usage) => tell({ event: 'usage', ...usage }),
  write: ({ path, content }) => {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
    tell({ event: 'tool', tool: 'write', title: path, state: 'done', paths: [path] });
  },
  run: async (command) => {
    tell({ event: 'tool', tool: 'shell', title: command, state: 'started' });
    const { code, tail } = await runShell(command);
    tell({ event: 'tool', tool: 'shell', title: command, state: code === 0 ? 'done' : 'failed', text: tail });
  },
  commit: (message) => {
    if (!commitAll(message)) tell({ event: 'note', text: 'There was nothing to commit.' });
  },
  // `then` holds the steps that are played where the call is allowed.
  permission: async ({ then = [], ...call }) => {
    const { decision, reason } = await ask(call);
    if (decision === 'allow') await play(then);
    else tell({ event: 'text', text: `I was denied: ${reason}` });
  },
  submit: async (what) => {
    const { ok, text } = what === 'honest' ? await submitResult(`Scripted: ${task.title}`) : await post(what);
    if (ok) tell({ event: 'note', text: 'The result was taken.' });
    else tell({ event: 'error', text: `The result was not taken: ${text}` });
  },
  // Steps by what the run is there for: plan, review, work or verify.
  stage: (stages) => play(stages[process.env.ATRIUM_STAGE] ?? []),
  // Says that it is done, or that it is not.
  fail: ({ reason, transient = false }) => end('failed', reason, transient),
  exit: (code) => process.exit(code),
  hang: () => new Promise(() => setInterval(() => undefined, 3_600_000)),
  flood: async (bytes) => {
    for (let left = bytes; left > 0; left -= 8_192) {
      tell({ event: 'stdout', text: 'x'.repeat(Math.min(left, 8_192)) });
      await new Promise((next) => setImmediate(next));
    }
  },
  spawnDetached: (command) => {
    const child = spawn('/bin/sh', ['-c', command], { detached: true, stdio: 'ignore' });
    child.unref();
  },
};

async function play(steps) {
  for (const step of steps) {
    const [name] = Object.keys(step);
    const player = players[name];
    if (player === undefined)
      throw new Error(`there is no step "${name}"; there are ${Object.keys(players).join(', ')}`);
    await player(step[name]);
  }
}

/** A result as the script has it, true or not, straight to the run's socket. */
async function post(given) {
  const result = {
    ticket: task.ticket,
    commit: headCommit(),
    summary: 'Scripted',
    commands: [],
    files: [],
    ...given,
  };
  return await new Promise((resolve) => {
    const socketPath = process.env.ATRIUM_SOCKET;
    const headers = { 'content-type': 'application/json' };
    const call = request({ socketPath, path: '/api/run/result', method: 'POST', headers }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (piece) => (text += piece));
      response.on('end', () => resolve({ ok: response.statusCode === 200, text }));
    });
    call.on('error', (error) => resolve({ ok: false, text: error.message }));
    call.end(JSON.stringify(result));
  });
}

const task = await readTask();
try {
  await play(JSON.parse(task.command));
} catch (error) {
  end('failed', `The script could not be played: ${error.message}`);
}
end('done', 'The script was played to its end.');
