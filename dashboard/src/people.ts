// Everybody has a colour and an initial, the same wherever they appear. The first people of the lab
// get the colours in turn; whoever holds what was stolen is drawn in ink.

const colours = 6;
const order = ['alice', 'bob', 'carol', 'dave', 'erin', 'frank'];

export const thief = 'mallory';

/** @param client Absent: the user's own. */
export function personClass(user: string, client = user): string {
  return client === thief ? 'person-thief' : `person-${numberOf(user)}`;
}

function numberOf(user: string): number {
  const place = order.indexOf(user);
  if (place !== -1) return place % colours;
  const digits = Number(/\d+$/.exec(user)?.[0] ?? Number.NaN);
  if (Number.isInteger(digits)) return digits % colours;
  return [...user].reduce((sum, letter) => sum + letter.charCodeAt(0), 0) % colours;
}

/** 'A' for alice, 'A2' for her second device, '12' for user12. */
export function initialOf(client: string): string {
  const [name = '', device] = client.split(' ');
  const digits = /^[a-z]+(\d+)$/.exec(name)?.[1];
  return digits ?? `${name.slice(0, 1).toUpperCase()}${device ?? ''}`;
}
