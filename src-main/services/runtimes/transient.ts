const networkWords =
  /ECONNRESET|ECONNREFUSED|ETIMEDOUT|EPIPE|ENOTFOUND|EAI_AGAIN|socket hang up|fetch failed|network error|overloaded|rate.?limit/i;

/**
 * True for a fault that may go away by itself: a rate limit, a server that fails, a network that is away.
 *
 * @param status an HTTP status, or another protocol's code, which says nothing here
 */
export function isTransientFault(status: number | null, text: string): boolean {
  if (status !== null && (status === 408 || status === 429 || (status >= 500 && status <= 599))) return true;
  return networkWords.test(text);
}
