/** Fixed places inside every sandbox. */
export const INSIDE = {
  checkout: '/work',
  home: '/home/agent',
  base: '/opt/atrium/base',
  tools: '/opt/atrium/run',
  protocol: '/opt/atrium/mcp',
  socket: '/run/atrium/core.sock',
  gateway: 'http://127.0.0.1:8790',
} as const;
