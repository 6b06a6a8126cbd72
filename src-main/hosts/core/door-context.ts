/** What the handlers of the operator's contract know about who asks. */
export interface DoorContext {
  door: 'cli' | 'browser' | 'window';
  /** `ATRIUM_NOW` of the command that asks, ISO 8601, where it was set. */
  now?: string;
}
