import { nodePty } from '../../src-main/services/terminals/index.ts';
import { createFakePty } from '../../src-main/services/terminals/testing/fake-pty.ts';
import { ptyConformance } from './pty.ts';

ptyConformance('node-pty', nodePty);
ptyConformance('the fake', createFakePty());
