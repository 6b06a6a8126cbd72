import { ORPCError } from '@orpc/server';
import { fail } from '../contract/errors.ts';
import { StoreFault } from '../services/event-store/index.ts';

/**
 * A fault as a door may tell it: where the disk is to blame its own sentence goes along as `data.failure`, so that the operator
 * reads what to do; anything else stays as it is, and the door says no more than that the core failed.
 */
export function toldFault(error: unknown): unknown {
  if (!(error instanceof StoreFault) || error.code === 'projection' || error.code === 'invalid') return error;
  const { failure } = fail('disk', error.message);
  return new ORPCError('SERVICE_UNAVAILABLE', { message: error.message, data: { failure }, cause: error });
}
