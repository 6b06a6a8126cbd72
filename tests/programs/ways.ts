import type { KnownRuntime } from '../../src-main/contract/tickets.ts';
import type { RunToolName } from '../../src-main/contract/run-api.ts';
import type { ModelCall } from '../support/model-server.ts';

/** How the model behind an agent program calls that program's tools. */
export interface Ways {
  /** Which of a workspace's models it takes. */
  provider: 'anthropic' | 'openai' | 'gemini';
  model: string;
  /** Whether it goes on in a session of its own. */
  resumes: boolean;
  shell(command: string): ModelCall[];
  /** Calls a tool of `atrium mcp`. */
  tool(name: RunToolName, args: Record<string, unknown>): ModelCall[];
  /** Makes a new file of one line. */
  write(path: string, line: string): ModelCall[];
}

export const ways: Readonly<Record<Exclude<KnownRuntime, 'command' | 'scripted'>, Ways>> = {
  claude: {
    provider: 'anthropic',
    model: 'claude-scripted-sonnet',
    resumes: true,
    shell: (command) => [{ name: 'Bash', args: { command } }],
    tool: (name, args) => [{ name: `mcp__atrium__${name}`, args }],
    write: (path, line) => [{ name: 'Write', args: { file_path: path, content: `${line}\n` } }],
  },
  codex: {
    provider: 'openai',
    model: 'gpt-scripted',
    resumes: true,
    shell: (cmd) => [{ name: 'exec_command', args: { cmd } }],
    tool: (name, args) => [{ name, namespace: 'mcp__atrium', args }],
    write: (path, line) => {
      const patch = `*** Begin Patch\n*** Add File: ${path}\n+${line}\n*** End Patch`;
      return [{ name: 'exec_command', args: { cmd: `apply_patch <<'EOF'\n${patch}\nEOF\n` } }];
    },
  },
  opencode: {
    provider: 'anthropic',
    model: 'claude-scripted-sonnet',
    resumes: true,
    shell: (command) => [{ name: 'bash', args: { command, description: 'a command' } }],
    tool: (name, args) => [{ name: `atrium_${name}`, args }],
    write: (filePath, line) => [{ name: 'write', args: { filePath, content: `${line}\n` } }],
  },
  gemini: {
    provider: 'gemini',
    model: 'gemini-2.5-flash',
    resumes: false,
    shell: (command) => [{ name: 'run_shell_command', args: { command } }],
    tool: (name, args) => [{ name: `mcp_atrium_${name}`, args }],
    write: (path, line) => [{ name: 'write_file', args: { file_path: path, content: `${line}\n` } }],
  },
};
