/**
 * Takes out of a terminal's bytes what a program could steer the operator's own terminal with beyond drawing: strings to it
 * (titles, clipboard, settings, links, a printer) and questions that it would answer, in seven bits or in eight. Sequences may be
 * split over pieces.
 */
export function createPlainTerminal(): (bytes: Uint8Array) => Uint8Array {
  type State = 'text' | 'escape' | 'csi' | 'string' | 'string-escape';
  let state: State = 'text';
  let sequence: number[] = [];
  /** Bytes of a character that is not whole yet, and how many are missing. */
  let character: number[] = [];
  let missing = 0;

  /** A character of more than one byte passes whole; a control in eight bits, and what is no character, does not. */
  const more = (byte: number, kept: number[]): void => {
    if (missing > 0 && byte < LEADING) {
      character.push(byte);
      missing -= 1;
      const control = character[0] === LATIN && byte < AFTER_CONTROLS;
      if (missing === 0 && !control) kept.push(...character);
      return;
    }
    character = [byte];
    missing = byte < LATIN ? 0 : byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : byte < 0xf5 ? 3 : 0;
  };

  return (bytes) => {
    const kept: number[] = [];
    for (const byte of bytes) {
      // Nothing that draws has eight bits in the middle of a sequence: a terminal might begin another one there.
      if (byte >= EIGHT_BITS && (state === 'escape' || state === 'csi')) state = 'text';
      switch (state) {
        case 'text':
          if (byte >= EIGHT_BITS) {
            more(byte, kept);
            break;
          }
          missing = 0;
          if (byte === ESCAPE) {
            state = 'escape';
            sequence = [byte];
          } else if (byte !== ENQUIRY) kept.push(byte);
          break;
        case 'escape':
          sequence.push(byte);
          if (byte === CSI) state = 'csi';
          else if (STRINGS.has(byte)) state = 'string';
          else if (byte === ESCAPE) sequence = [byte];
          else if (byte >= 0x30) {
            if (byte !== IDENTIFY) kept.push(...sequence);
            state = 'text';
          }
          break;
        case 'csi':
          sequence.push(byte);
          if (sequence.length > LONGEST || byte === ESCAPE) {
            state = byte === ESCAPE ? 'escape' : 'text';
            sequence = byte === ESCAPE ? [byte] : [];
          } else if (byte >= 0x40 && byte <= 0x7e) {
            if (!isQuestion(sequence)) kept.push(...sequence);
            state = 'text';
          }
          break;
        case 'string':
          if (byte === BELL) state = 'text';
          else if (byte === ESCAPE) state = 'string-escape';
          break;
        case 'string-escape':
          state = byte === ESCAPE ? 'string-escape' : byte === BACKSLASH ? 'text' : 'string';
          break;
      }
    }
    return Uint8Array.from(kept);
  };
}

const ESCAPE = 0x1b;
const ENQUIRY = 0x05;
const BELL = 0x07;
const BACKSLASH = 0x5c;
const CSI = 0x5b;
/** `ESC Z`, an old way to ask a terminal what it is. */
const IDENTIFY = 0x5a;
/** What begins a string: OSC, DCS, SOS, PM, APC. */
const STRINGS = new Set([0x5d, 0x50, 0x58, 0x5e, 0x5f]);
const EIGHT_BITS = 0x80;
/** In UTF-8 every later byte of a character is below this one, and every first byte is not. */
const LEADING = 0xc0;
/** The first byte of the first characters that have two: the controls of eight bits are among them, up to the next. */
const LATIN = 0xc2;
const AFTER_CONTROLS = 0xa0;
/** No sequence that draws is longer, in bytes. */
const LONGEST = 256;

/** Whether a control sequence asks the terminal for something (what it is, where it stands, how it is set), or has it print. */
function isQuestion(sequence: readonly number[]): boolean {
  const text = String.fromCharCode(...sequence.slice(2));
  return /[cnit]$|\$[puw]$|&u$|\*y$|#[RS|]$|'[wz{|]$|^[0-9;]*x$|^>[0-9;]*q$|^\?u$|^\?[0-9;]*[mS]$/.test(text);
}
