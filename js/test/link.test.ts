import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Link, SILENCE_MS } from "../src/link";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

it("a kernel that says nothing while a run lives is silent after two seconds, until it speaks", () => {
  const onSilence = vi.fn();
  const link = new Link(() => true, onSilence);
  vi.advanceTimersByTime(SILENCE_MS - 1);
  expect(link.state.value).toBe("live");
  vi.advanceTimersByTime(1);
  expect(link.state.value).toBe("silent");
  vi.advanceTimersByTime(60_000);
  expect(onSilence).toHaveBeenCalledTimes(1);
  link.heard();
  expect(link.state.value).toBe("live");
  link.dispose();
  expect(vi.getTimerCount()).toBe(0);
});

it("a kernel with no run at work may be silent", () => {
  let runs = true;
  const link = new Link(() => runs, vi.fn());
  runs = false;
  link.heard();
  vi.advanceTimersByTime(60_000);
  expect(link.state.value).toBe("live");
  expect(vi.getTimerCount()).toBe(0);
});

it("a page that slept gives the kernel the time to be heard", () => {
  const link = new Link(() => true, vi.fn());
  vi.setSystemTime(Date.now() + 60_000);
  vi.advanceTimersByTime(SILENCE_MS);
  expect(link.state.value).toBe("live");
  vi.advanceTimersByTime(SILENCE_MS);
  expect(link.state.value).toBe("silent");
  link.dispose();
});

it("a kernel that is gone is not also silent", () => {
  const link = new Link(() => true, vi.fn());
  link.lost("restarted");
  vi.advanceTimersByTime(60_000);
  expect(link.state.value).toBe("gone");
  expect(link.loss).toBe("restarted");
});
