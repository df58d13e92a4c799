export const count = (boats) => boats.length;
