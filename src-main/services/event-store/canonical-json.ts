import { StoreFault } from './fault.ts';

const deepest = 500;

/**
 * JSON with sorted keys and no white space, the same text for the same value. Properties that are undefined are left out.
 * @throws StoreFault `invalid` for what JSON cannot carry: NaN, bigint, functions, class instances, holes, circles.
 */
export function canonicalJson(value: unknown): string {
  return write(value, 0);
}

function write(value: unknown, depth: number): string {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value);
    case 'boolean':
      return value ? 'true' : 'false';
    case 'number':
      if (Number.isFinite(value)) return JSON.stringify(value);
      throw notJson(String(value));
    case 'object':
      if (value === null) return 'null';
      if (depth > deepest) throw notJson(`a value nested deeper than ${deepest}`);
      if (Array.isArray(value)) return writeArray(value, depth);
      return writeObject(value, depth);
    default:
      throw notJson(`a value of type ${typeof value}`);
  }
}

function writeArray(value: readonly unknown[], depth: number): string {
  let text = '[';
  for (let index = 0; index < value.length; index += 1) {
    text += (index === 0 ? '' : ',') + write(value[index], depth + 1);
  }
  return `${text}]`;
}

function writeObject(value: object, depth: number): string {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) throw notJson('an instance of a class');
  let text = '';
  for (const key of Object.keys(value).sort()) {
    const field = (value as Record<string, unknown>)[key];
    if (field !== undefined) {
      text += `${text === '' ? '' : ','}${JSON.stringify(key)}:${write(field, depth + 1)}`;
    }
  }
  return `{${text}}`;
}

function notJson(what: string): StoreFault {
  return new StoreFault(
    'invalid',
    `An event's data, actor and receipt must be plain JSON, but ${what} was found in it.`,
  );
}
