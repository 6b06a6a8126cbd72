// The agent program of the `command` runtime: a ticket's shell command, then a commit of what it left, then its result.
import {
  commitAll,
  countCommits,
  end,
  headCommit,
  readTask,
  runShell,
  submitResult,
  tell,
} from './line-agent.mjs';

try {
  const task = await readTask();
  const base = process.env.ATRIUM_BASE || headCommit();
  tell({ event: 'tool', tool: 'shell', title: task.command, state: 'started' });
  const { code, signal, tail } = await runShell(task.command);
  tell({ event: 'tool', tool: 'shell', title: task.command, state: code === 0 ? 'done' : 'failed' });
  if (code !== 0) {
    const how = signal === null ? `ended with exit code ${code}` : `was ended by ${signal}`;
    end('failed', `The command ${how}.${tail === '' ? '' : ` Last lines:\n${tail}`}`);
  }
  if (commitAll(task.title)) tell({ event: 'note', text: 'What the command left was committed.' });
  const commits = countCommits(base);
  if (commits === 0) end('failed', 'The command changed nothing.');
  const submitted = await submitResult(
    `${task.title}\n\n${commits} commit${commits === 1 ? '' : 's'} by: ${task.command.slice(0, 2_000)}`,
  );
  if (!submitted.ok) end('failed', `The result was not taken: ${submitted.text}`);
  end('done', 'The command ended with exit code 0 and its result was submitted.');
} catch (error) {
  end('failed', `The command could not be carried out: ${error.message}`);
}
