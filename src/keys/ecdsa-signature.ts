// The two numbers of an ECDSA signature, as tokens have them (side by side, 32 bytes each, RFC 7518
// section 3.4) and as OpenSSL has them (DER). Node translates as well, when it is asked to, but its
// way costs a third of the whole verification. Of the two numbers s and n - s, which are both good,
// only the smaller is made and taken here, so that nobody can spell a token anew. Whether the
// numbers are in range is not judged: OpenSSL does, and refuses 0 and the order n and above.

const numberBytes = 32;
const sequenceTag = 0x30;
const integerTag = 0x02;
/** The order of P-256 (FIPS 186-4, D.1.2.3). */
const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
const half = bytesOf(order / 2n);

/** Undefined when there are not two numbers, or the second is the larger of its pair. */
export function toDer(sideBySide: Uint8Array): Uint8Array | undefined {
  if (sideBySide.length !== 2 * numberBytes) return undefined;
  if (half.compare(sideBySide.subarray(numberBytes)) < 0) return undefined;
  const r = toInteger(sideBySide.subarray(0, numberBytes));
  const s = toInteger(sideBySide.subarray(numberBytes));
  return Uint8Array.of(sequenceTag, r.length + s.length, ...r, ...s);
}

/** The shortest form that is not negative. */
function toInteger(number: Uint8Array): readonly number[] {
  let first = 0;
  while (first < numberBytes - 1 && number[first] === 0) first += 1;
  const digits = number.subarray(first);
  const sign = (digits[0] ?? 0) >= 0x80 ? [0] : [];
  return [integerTag, sign.length + digits.length, ...sign, ...digits];
}

/** Of a signature that OpenSSL has just made. */
export function fromDer(der: Uint8Array): Buffer {
  const rLength = der[3] ?? 0;
  const sideBySide = Buffer.alloc(2 * numberBytes);
  place(der.subarray(4, 4 + rLength), numberBytes);
  place(der.subarray(6 + rLength), 2 * numberBytes);
  const s = sideBySide.subarray(numberBytes);
  if (half.compare(s) < 0) s.set(bytesOf(order - BigInt(`0x${s.toString('hex')}`)));
  return sideBySide;

  function place(integer: Uint8Array, end: number): void {
    const digits = integer.subarray(-numberBytes);
    sideBySide.set(digits, end - digits.length);
  }
}

function bytesOf(number: bigint): Buffer {
  return Buffer.from(number.toString(16).padStart(2 * numberBytes, '0'), 'hex');
}
