// How much room there is, and who has it. All of it is counted in one process and between two
// awaits, so that uploads side by side cannot share out the same room twice. Parts count like
// files.

import { OperatingError } from '../../core/errors.ts';

export interface Room {
  readonly bytesMax: number;
  readonly userBytesMax: number;
  readonly userFilesMax: number;
}

interface Used {
  bytes: number;
  files: number;
}

export class Quota {
  readonly #room: Room;
  readonly #users = new Map<string, Used>();
  #bytes = 0;

  constructor(room: Room) {
    this.#room = room;
  }

  /** @throws OperatingError `quota-exceeded`, and then nothing is taken */
  take(user: string, bytes: number, files = 0): void {
    const refused = this.#refusal(user, bytes, files);
    if (refused !== undefined) throw new OperatingError('quota-exceeded', { detail: refused });
    this.count(user, bytes, files);
  }

  fits(user: string, bytes: number, files = 0): boolean {
    return this.#refusal(user, bytes, files) === undefined;
  }

  /** What is there, whether there is room for it or not; negative: what is there no more. */
  count(user: string, bytes: number, files = 0): void {
    const used = this.#users.get(user) ?? { bytes: 0, files: 0 };
    used.bytes += bytes;
    used.files += files;
    this.#bytes += bytes;
    if (used.files > 0) this.#users.set(user, used);
    else this.#users.delete(user);
  }

  #refusal(user: string, bytes: number, files: number): string | undefined {
    const { bytesMax, userBytesMax, userFilesMax } = this.#room;
    const used = this.#users.get(user) ?? { bytes: 0, files: 0 };
    if (bytes > userBytesMax - used.bytes)
      return `Your files may have ${userBytesMax} bytes, and ${userBytesMax - used.bytes} are left.`;
    if (files > userFilesMax - used.files) return `You may have ${userFilesMax} files, and do.`;
    if (bytes > bytesMax - this.#bytes) return 'There is no room left for files of anybody.';
    return undefined;
  }
}
