/**
 * Unicode's punctuation and symbols, known to the browser.
 *
 * Takes the place of the package `uc.micro` in markdown-it (js/aliases.mjs) and has its interface.
 */

export const P = /\p{P}/u;
export const S = /\p{S}/u;
