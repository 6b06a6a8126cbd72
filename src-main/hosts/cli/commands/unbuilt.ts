import type { Command } from 'commander';
import { refuse } from '../failure.ts';
import type { Group } from '../program.ts';

/** What the command line will have and has not yet; `''` is a command without a second word. */
const unbuilt: Record<string, string[]> = {
  brand: ['seal'],
  batch: ['create', 'list', 'show', 'archive'],
  sling: [''],
  template: ['list', 'show', 'apply'],
  formula: ['cook', 'pour', 'burn', 'squash'],
  checkpoint: ['save', 'list', 'restore'],
  mail: ['send', 'list', 'read'],
  distill: ['gather', 'route', 'run'],
  wiki: ['lint', 'reindex'],
  rehearse: [''],
};

/** Every other command of the command line: each says that it is not built, whatever it is given. */
export function addUnbuiltCommands(program: Group): void {
  for (const [name, words] of Object.entries(unbuilt)) {
    const group =
      program.command.commands.find((command) => command.name() === name) ?? program.command.command(name);
    for (const word of words) {
      const full = word === '' ? name : `${name} ${word}`;
      const command: Command = word === '' ? group : group.command(word);
      command
        .description('not built yet')
        .argument('[anything...]')
        .allowUnknownOption()
        .action(() =>
          refuse('not-built', `atrium ${full} is not built yet.`, 'See `atrium --help` for what is.'),
        );
    }
    if (!words.includes('') && group.description() === '') group.description('not built yet');
  }
}
