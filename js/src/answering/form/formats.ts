/**
 * Formats of texts, as JSON Schema names them. Each is lenient: what the kernel takes is not
 * refused here.
 */

interface Format {
  noun: string;
  example: string;
  fits(text: string): boolean;
}

const TIME = String.raw`(?:[01]\d|2[0-3]):[0-5]\d(?::(?:[0-5]\d|60)(?:[.,]\d+)?)?(?:[Zz]|[+-]\d\d:?\d\d)?`;
const IS_TIME = new RegExp(`^${TIME}$`);
const IS_DATE_TIME = new RegExp(`^(\\d{4}-\\d\\d-\\d\\d)[Tt_ ]${TIME}$`);

export const FORMATS: Readonly<Record<string, Format>> = {
  date: { noun: "a date", example: "2025-01-31", fits: isDate },
  time: { noun: "a time", example: "09:30", fits: (text) => IS_TIME.test(text) },
  "date-time": {
    noun: "a date and time",
    example: "2025-01-31T09:30:00Z",
    fits: (text) => isDate(IS_DATE_TIME.exec(text)?.[1] ?? ""),
  },
  email: {
    noun: "an e-mail address",
    example: "name@example.com",
    fits: (text) => /^[^@\s]+@[^@\s]+$/.test(text),
  },
  uri: {
    noun: "an address",
    example: "https://example.com",
    fits: (text) => /^[a-z][a-z\d+.-]*:[^\s]+$/i.test(text),
  },
  uuid: {
    noun: "a UUID",
    example: "123e4567-e89b-12d3-a456-426614174000",
    fits: (text) => /^[\da-f]{8}-?(?:[\da-f]{4}-?){3}[\da-f]{12}$/i.test(text),
  },
  duration: {
    noun: "a duration",
    example: "PT1H30M",
    fits: (text) => /^[+-]?P(?!$)[\dYMWDTHS.,]+$/i.test(text),
  },
};

/** Return true for a day that the calendar has. */
function isDate(text: string): boolean {
  const [, year, month, day] = /^(\d{4})-(\d\d)-(\d\d)$/.exec(text) ?? [];
  if (year === undefined) return false;
  const date = new Date(0);
  date.setUTCFullYear(Number(year), Number(month) - 1, Number(day));
  return date.getUTCMonth() === Number(month) - 1 && date.getUTCDate() === Number(day);
}
