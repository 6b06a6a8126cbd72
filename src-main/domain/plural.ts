/** A number with its noun: "1 ticket", "3 tickets". */
export function plural(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`;
}
