/** A step of the durable schema, forward only. Once released its SQL never changes: its sha is recorded where it ran. */
export interface Migration {
  /** 1, 2, 3… in the order of the list. */
  version: number;
  name: string;
  sql: string;
}
