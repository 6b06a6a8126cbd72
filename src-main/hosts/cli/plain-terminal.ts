/**
 * Takes out of a terminal's bytes what a program could steer the operator's own terminal with beyond drawing: strings to it
 * (titles, clipboard, settings, links) and questions that it would answer. Sequences may be split over pieces.
 */
export function createPlainTerminal(): (bytes: Uint8Array) => Uint8Array {
  type State = 'text' | 'escape' | 'csi' | 'string' | 'string-escape';
  let state: State = 'text';
  let sequence: number[] = [];

  return (bytes) => {
    const kept: number[] = [];
    for (const byte of bytes) {
      switch (state) {
        case 'text':
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
/** No sequence that draws is longer, in bytes. */
const LONGEST = 256;

/** Whether a control sequence asks the terminal for something: what it is, where it stands, how it is set. */
function isQuestion(sequence: readonly number[]): boolean {
  const text = String.fromCharCode(...sequence.slice(2));
  return /[cnt]$/.test(text) || /\$p$/.test(text) || /^>[0-9;]*q$/.test(text) || /^\?u$/.test(text);
}
