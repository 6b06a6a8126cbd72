// A small agent over ACP: it does what lines of its brief say. "asks: COMMAND" asks leave for a command and runs it where it has
// leave, "does: COMMAND" runs one without asking.
import { spawnSync } from 'node:child_process';
import { createInterface } from 'node:readline';

const send = (message) => process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
const waiting = new Map();
const session = 'small';
let calls = 0;

function tell(update) {
  send({ method: 'session/update', params: { sessionId: session, update } });
}

/** Resolves with whether the call may go on. */
function askLeave(call) {
  const options = [
    { optionId: 'yes', name: 'Yes', kind: 'allow_once' },
    { optionId: 'no', name: 'No', kind: 'reject_once' },
  ];
  const id = `leave-${calls}`;
  send({
    id,
    method: 'session/request_permission',
    params: { sessionId: session, toolCall: { ...call, status: 'pending' }, options },
  });
  return new Promise((resolve) => waiting.set(id, resolve)).then(
    (result) => result.outcome.optionId === 'yes',
  );
}

async function carryOut(prompt) {
  for (const [, how, command] of prompt.matchAll(/^(asks|does): (.+)$/gm)) {
    const call = { toolCallId: `call-${(calls += 1)}`, title: command, kind: 'execute' };
    const may = how === 'does' || (await askLeave(call));
    tell({ sessionUpdate: 'tool_call', ...call, status: may ? 'in_progress' : 'failed' });
    if (!may) continue;
    const done = spawnSync('/bin/sh', ['-c', command], { encoding: 'utf8' });
    const content = [{ type: 'content', content: { type: 'text', text: done.stdout + done.stderr } }];
    tell({ sessionUpdate: 'tool_call_update', toolCallId: call.toolCallId, status: 'completed', content });
  }
  tell({ sessionUpdate: 'agent_message_chunk', content: { type: 'text', text: 'That is all.' } });
}

createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method, params, result } = JSON.parse(line);
  if (method === 'initialize') send({ id, result: { protocolVersion: 1 } });
  if (method === 'session/new') {
    process.stderr.write(`servers: ${params.mcpServers.map(({ name }) => name).join(' ')}\n`);
    send({ id, result: { sessionId: session } });
  }
  if (method === 'session/prompt')
    void carryOut(params.prompt[0].text).then(() => send({ id, result: { stopReason: 'end_turn' } }));
  if (method === undefined) waiting.get(id)?.(result);
});
