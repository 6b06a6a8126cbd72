import { z } from 'zod';
import { HandoffContext } from '../../contract/handoff.ts';
import {
  AskBody,
  ResultBody,
  runApiPaths,
  ReviewBody,
  SearchBody,
  VerdictBody,
} from '../../contract/run-api.ts';
import type { RunToolName } from '../../contract/run-api.ts';
import { PlanText } from '../../contract/tickets.ts';

/** One tool of a run, and the call on its socket that it is. */
export interface RunTool {
  name: RunToolName;
  description: string;
  input: z.ZodRawShape;
  path: string;
  /** Fills in what the agent need not say: the ticket that the run works on. */
  namesTicket: boolean;
}

const text = z.string().trim().min(1).max(20_000);
const { ticket: _result, ...result } = ResultBody.shape;
const { ticket: _verdict, ...verdict } = VerdictBody.shape;
const { ticket: _review, ...review } = ReviewBody.shape;

/** Every tool that a run may have: which of them it has is its contract's to say. */
export const RUN_TOOLS: readonly RunTool[] = [
  {
    name: 'submit_plan',
    description:
      'Submits your plan, in markdown: what you will change, in which order, how it is checked. Then stop; you are started again when it is approved.',
    input: { text: PlanText },
    path: runApiPaths.plan,
    namesTicket: true,
  },
  {
    name: 'submit_review',
    description:
      'Decides about the version of the plan that your brief holds: approve it, or have it revised with a note that says what to change.',
    input: review,
    path: runApiPaths.review,
    namesTicket: true,
  },
  {
    name: 'submit_result',
    description:
      'Submits what you did: the full id of your last commit, a summary, the commands that you ran and the files that changed. The gate decides.',
    input: result,
    path: runApiPaths.result,
    namesTicket: true,
  },
  {
    name: 'submit_verdict',
    description:
      'Gives your one verdict about the candidate, bound to its commit: pass, fail or unverified, with reasons.',
    input: verdict,
    path: runApiPaths.verdict,
    namesTicket: true,
  },
  {
    name: 'ask',
    description:
      'Asks the operator one question and waits some minutes for the answer. Without one, save a checkpoint and end: you are started again with the answer in your brief.',
    input: AskBody.shape,
    path: runApiPaths.ask,
    namesTicket: false,
  },
  {
    name: 'wiki_search',
    description: "Searches this brand's wiki and the global one.",
    input: SearchBody.shape,
    path: runApiPaths.wikiSearch,
    namesTicket: false,
  },
  {
    name: 'request_wiki_write',
    description: 'Asks the librarian to write something into the wiki; you never write there yourself.',
    input: { text },
    path: runApiPaths.wikiWrite,
    namesTicket: false,
  },
  {
    name: 'checkpoint',
    description:
      'Leaves a handoff for the next attempt: what is completed, the next steps, what blocks, notes. Commit before you call it.',
    input: HandoffContext.shape,
    path: runApiPaths.checkpoint,
    namesTicket: false,
  },
  {
    name: 'report_progress',
    description: 'Says in a sentence how far the work is.',
    input: { text },
    path: runApiPaths.progress,
    namesTicket: false,
  },
];
