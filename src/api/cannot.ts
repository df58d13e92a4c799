// Why an order cannot be carried out, for the person who gave it. Not a failure of anything.

export class Cannot extends Error {
  override readonly name = 'Cannot';
}
