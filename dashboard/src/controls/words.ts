// What answers and policies are called besides the names that the command line takes, and which
// answers are those of the course.

const course: ReadonlySet<string> = new Set(['token', 'memory', 'postgres', 'redis']);

export function isOfCourse(answer: string): boolean {
  return course.has(answer);
}

export const answerWords: Readonly<Record<string, string>> = {
  'token-with-revocation': 'token, and a list of the revoked',
  cached: 'redis, cached in each server',
  'redis-wait': 'redis, waits for its replica',
  'redis-logged': 'redis, logouts in postgres',
  'token-logged': 'token, logouts in postgres',
};

export const policyWords: Readonly<Record<string, string>> = {
  'round-robin': 'in turn',
  random: 'at random',
  'least-connections': 'the least busy',
  'sticky-cookie': 'affinity',
  'client-hash': 'affinity by address',
  'consistent-hash': 'affinity by address, steadier',
};
