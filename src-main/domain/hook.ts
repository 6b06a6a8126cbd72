/**
 * The JSON that agent programs hand to their hooks, reduced to what the guard asks. Claude Code, Codex and Gemini CLI give the
 * same fields under names of events of their own.
 */
export type HookCall =
  | {
      moment: 'before' | 'after';
      tool: string;
      input: Record<string, unknown>;
      cwd: string | null;
      /** Whether the call failed; only told after it. */
      failed: boolean;
    }
  /** An event at which nothing is decided: a session began, a turn ended. */
  | { moment: 'other' }
  | { moment: 'unreadable'; reason: string };

const BEFORE = new Set(['pretooluse', 'beforetool', 'permissionrequest']);
const AFTER = new Set(['posttooluse', 'posttoolusefailure', 'aftertool']);
const OTHER = new Set([
  'sessionstart',
  'sessionend',
  'userpromptsubmit',
  'beforeagent',
  'afteragent',
  'beforemodel',
  'aftermodel',
  'posttoolbatch',
  'subagentstop',
  'stop',
  'notification',
  'precompact',
  'precompress',
]);

/** Reads what a hook was given for this event. What cannot be read is no permission. */
export function readHook(event: string, given: unknown): HookCall {
  const unreadable = (reason: string): HookCall => ({ moment: 'unreadable', reason });
  const name = event.toLowerCase().replaceAll(/[-_]/g, '');
  const moment = BEFORE.has(name) ? 'before' : AFTER.has(name) ? 'after' : OTHER.has(name) ? 'other' : null;
  if (moment === null) return unreadable(`there is no event ${JSON.stringify(event.slice(0, 60))}`);
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    return unreadable('the input is no JSON object');
  const fields = given as Record<string, unknown>;
  const told = fields['hook_event_name'];
  if (typeof told === 'string' && told.toLowerCase() !== name)
    return unreadable(`the input is of ${JSON.stringify(told.slice(0, 60))}, not of ${event}`);
  if (moment === 'other') return { moment };
  const { tool_name: tool, tool_input: input, cwd } = fields;
  if (typeof tool !== 'string' || tool === '' || tool.length > 200)
    return unreadable('tool_name is not the name of a tool');
  if (typeof input !== 'object' || input === null || Array.isArray(input))
    return unreadable('tool_input is no JSON object');
  if (cwd !== undefined && (typeof cwd !== 'string' || !cwd.startsWith('/')))
    return unreadable('cwd is not an absolute path');
  return {
    moment,
    tool,
    input: input as Record<string, unknown>,
    cwd: typeof cwd === 'string' ? cwd : null,
    failed: name === 'posttoolusefailure' || saysFailure(fields['tool_response']),
  };
}

function saysFailure(response: unknown): boolean {
  if (typeof response !== 'object' || response === null) return false;
  const { error, is_error: isError, success } = response as Record<string, unknown>;
  return isError === true || success === false || (error !== undefined && error !== null && error !== '');
}
