/** The role under which a terminal of a brand's desk runs. */
export const DESK_ROLE = 'desk';
/** Where a door's WebSocket takes a viewer of a terminal. */
export const TERMINAL_PATH = '/terminal';
