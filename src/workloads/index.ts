export { browse } from './browse.ts';
export { everyday } from './everyday.ts';
export { leaveTogether as 'leave-together' } from './leave-together.ts';
export { logoutRace as 'logout-race' } from './logout-race.ts';
export { logoutReplay as 'logout-replay' } from './logout-replay.ts';
export { sendFiles as 'send-files' } from './send-files.ts';
export { twoTabs as 'two-tabs' } from './two-tabs.ts';
