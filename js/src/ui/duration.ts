/** Durations as text. */

/** A finished duration: `0.3s`, `4.1s`, `34s`, `1m 12s`, `2h 05m`. */
export function duration(seconds: number): string {
  if (seconds < 0.05) return "<0.1s";
  if (seconds < 9.95) return `${fixed(seconds, 1)}s`;
  return whole(Math.round(seconds));
}

/** A running duration, which ticks in whole seconds. */
export function ticking(seconds: number): string {
  return whole(Math.floor(seconds));
}

/** A duration in whole seconds: `2s`. */
export function rounded(seconds: number): string {
  return seconds < 1 ? "<1s" : whole(Math.round(seconds));
}

/**
 * A number with this many digits after the point, rounded half up, as in nbagent/render/durations.py.
 */
export function fixed(value: number, digits: number): string {
  return (Math.round(value * 10 ** digits) / 10 ** digits).toFixed(digits);
}

function whole(seconds: number): string {
  if (seconds < 60) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}m ${pad(seconds % 60)}s`;
  return `${Math.floor(minutes / 60)}h ${pad(minutes % 60)}m`;
}

function pad(value: number): string {
  return String(value).padStart(2, "0");
}
