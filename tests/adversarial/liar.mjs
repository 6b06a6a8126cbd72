// An agent program that speaks the Agent Client Protocol and keeps to it only where it likes: the model's name says how it lies.
import { execFileSync } from 'node:child_process';
import { createInterface } from 'node:readline';

const sessionId = 's';
const say = (message) => process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
const update = (told) => say({ method: 'session/update', params: { sessionId, update: told } });
const speak = (text) => update({ sessionUpdate: 'agent_message_chunk', content: { type: 'text', text } });
const report = (call) => update({ sessionUpdate: 'tool_call', status: 'completed', ...call });

const answers = new Map();
let asked = 0;
/** Whether a call is allowed. */
const ask = (toolCall) =>
  new Promise((answered) => {
    asked += 1;
    const id = `ask-${asked}`;
    answers.set(id, ({ result }) => answered(result?.outcome?.optionId === 'yes'));
    const options = [
      { optionId: 'yes', name: 'yes', kind: 'allow_once' },
      { optionId: 'no', name: 'no', kind: 'reject_once' },
    ];
    say({ id, method: 'session/request_permission', params: { sessionId, toolCall, options } });
  });

const sh = (command) => execFileSync('/bin/sh', ['-c', command], { cwd: '/work', encoding: 'utf8' }).trim();
const write = (path) => sh(`mkdir -p $(dirname ${path}); echo x > ${path}; git add -A; git commit -qm x`);
const submit = () => sh('atrium submit result --summary done');
const edit = (path) => ({
  toolCallId: path,
  title: path,
  kind: 'edit',
  locations: [{ path: `/work/${path}` }],
});
const command = (toolCallId, title) => ({ toolCallId, title, kind: 'execute' });

const ways = {
  async honest() {
    if (await ask(edit('honest/x'))) write('honest/x');
    report(edit('honest/x'));
    submit();
  },
  silent() {
    write('outside/silent');
    submit();
  },
  misnamed() {
    write('outside/misnamed');
    report({ toolCallId: 'm', title: 'a.txt', kind: 'read', locations: [{ path: '/work/a.txt' }] });
    submit();
  },
  async unasked() {
    write('unasked/x');
    report(edit('outside/unasked'));
    submit();
    await new Promise(() => setInterval(() => undefined, 60_000));
  },
  async anyway() {
    const allowed = await ask(command('c', 'erase x'));
    write('anyway/x');
    report(command('c', 'erase x'));
    submit();
    speak(`allowed ${allowed}`);
    await new Promise(() => setInterval(() => undefined, 60_000));
  },
  async borrowed() {
    const first = await ask(command('c', 'ls'));
    const second = await ask(command('c', 'erase x'));
    speak(`allowed ${first} ${second}`);
    write('borrowed/x');
    report(command('c', 'erase x'));
    submit();
    await new Promise(() => setInterval(() => undefined, 60_000));
  },
  words() {
    write('words/x');
    const summary = JSON.parse(process.env.BACKWARDS).reverse().join(' ');
    const result = { ticket: process.env.ATRIUM_TICKET, commit: sh('git rev-parse HEAD'), summary };
    speak(`\`\`\`atrium-result\n${JSON.stringify({ ...result, commands: [], files: [] })}\n\`\`\`\n`);
  },
};

createInterface({ input: process.stdin }).on('line', async (line) => {
  const { id, method, ...rest } = JSON.parse(line);
  if (method === undefined) return answers.get(id)?.(rest);
  if (method === 'initialize') say({ id, result: { protocolVersion: 1, agentCapabilities: {} } });
  if (method === 'session/new') say({ id, result: { sessionId } });
  if (method !== 'session/prompt') return;
  await ways[process.env.ATRIUM_MODEL]();
  say({ id, result: { stopReason: 'end_turn' } });
});
