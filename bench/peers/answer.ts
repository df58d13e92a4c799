// What every peer answers: the bytes that our dashboard answers with.

export const dashboard = {
  message: 'Welcome back, alice',
  username: 'alice',
  servedBy: 'peer#1',
  links: { logout: '/logout', sessions: '/sessions' },
} as const;

export const dashboardText = JSON.stringify(dashboard);

export function ready(port: number): void {
  process.on('disconnect', () => process.exit());
  process.send?.({ t: 'ready', url: `http://127.0.0.1:${port}` });
}
