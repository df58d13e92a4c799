export { sealedCookie as 'sealed-cookie' } from './sealed-cookie.ts';
export { session } from './session.ts';
export { token } from './token.ts';
export { tokenWithRevocation as 'token-with-revocation' } from './token-with-revocation.ts';
