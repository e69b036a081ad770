/** The lazy part `media.js`: what a reader does with tables and pictures. */

export { Enlarged } from "./enlarged";
export { addTableBars, ShownTable } from "./table-bar";
