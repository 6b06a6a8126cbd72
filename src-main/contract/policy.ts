import { z } from 'zod';

/** Kinds of tool calls, whatever the agent program calls them; `other` is what Atrium does not know. */
export const ToolKind = z.enum([
  'read',
  'search',
  'edit',
  'execute',
  'fetch',
  'report',
  'ticket',
  'spawn',
  'ask',
  'other',
]);
export type ToolKind = z.infer<typeof ToolKind>;

/** Who made a rule, from the highest to the lowest: no rule of a lower level widens what a higher one denies. */
export const PolicyLevel = z.enum(['atrium', 'workspace', 'brand', 'contract', 'ticket']);
export type PolicyLevel = z.infer<typeof PolicyLevel>;

const pattern = z
  .string()
  .trim()
  .min(1)
  .max(300)
  .regex(/^[^\u0000-\u001f\u007f]*$/, 'one line without control characters');

/**
 * A rule of policy as a person writes it. It speaks of calls of these kinds or tools; with `paths`, `commands` or `hosts` only of
 * those that name one. Deny wins over ask, ask over allow; what nothing allows is denied.
 */
export const PolicyRule = z
  .strictObject({
    name: z.string().regex(/^[a-z][a-z0-9-]{0,60}$/, 'small letters, digits and dashes'),
    decision: z.enum(['allow', 'deny', 'ask']),
    kinds: z.array(ToolKind).max(10).default([]),
    /** Names of tools as the agent program gives them; case does not matter. */
    tools: z.array(pattern).max(50).default([]),
    /** Globs: relative to the checkout, or absolute. */
    paths: z
      .array(pattern.refine((glob) => !glob.split('/').includes('..'), 'a glob without ".."'))
      .min(1)
      .max(100)
      .optional(),
    /** Shell commands; `*` stands for any text. Each command of a line is looked at by itself. */
    commands: z.array(pattern).min(1).max(100).optional(),
    /** `host` or `*.host` (its subdomains). */
    hosts: z.array(pattern).min(1).max(100).optional(),
    /** What the agent and the operator are told: why, and what to do instead. */
    reason: z.string().trim().min(1).max(500),
  })
  .refine((rule) => rule.kinds.length + rule.tools.length > 0, {
    path: ['kinds'],
    message: 'at least one of "kinds" and "tools"',
  });
export type PolicyRule = z.infer<typeof PolicyRule>;

/** The rules of one level; each has a name of its own. */
export const PolicyRules = z
  .array(PolicyRule)
  .max(500)
  .superRefine((rules, context) => {
    const seen = new Set<string>();
    for (const [index, rule] of rules.entries()) {
      if (seen.has(rule.name))
        context.addIssue({ code: 'custom', path: [index, 'name'], message: 'a name that no other rule has' });
      seen.add(rule.name);
    }
  });
