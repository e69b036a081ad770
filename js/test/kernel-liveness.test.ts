/** Liveness of the kernel, by its messages and its silence. */

import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { KernelLiveness, SILENCE_TIMEOUT_MS } from "../src/kernel-liveness";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

it("a kernel that says nothing while a run lives is silent after two seconds, until it speaks", () => {
  const onSilence = vi.fn();
  const kernel = new KernelLiveness(() => true, onSilence);
  vi.advanceTimersByTime(SILENCE_TIMEOUT_MS - 1);
  expect(kernel.state.value).toBe("live");
  vi.advanceTimersByTime(1);
  expect(kernel.state.value).toBe("silent");
  vi.advanceTimersByTime(60_000);
  expect(onSilence).toHaveBeenCalledTimes(1);
  kernel.onMessage();
  expect(kernel.state.value).toBe("live");
  kernel.dispose();
  expect(vi.getTimerCount()).toBe(0);
});

it("a kernel with no run at work may be silent", () => {
  let runs = true;
  const kernel = new KernelLiveness(() => runs, vi.fn());
  runs = false;
  kernel.onMessage();
  vi.advanceTimersByTime(60_000);
  expect(kernel.state.value).toBe("live");
  expect(vi.getTimerCount()).toBe(0);
});

it("a page that slept gives the kernel the time to be heard", () => {
  const kernel = new KernelLiveness(() => true, vi.fn());
  vi.setSystemTime(Date.now() + 60_000);
  vi.advanceTimersByTime(SILENCE_TIMEOUT_MS);
  expect(kernel.state.value).toBe("live");
  vi.advanceTimersByTime(SILENCE_TIMEOUT_MS);
  expect(kernel.state.value).toBe("silent");
  kernel.dispose();
});

it("a kernel that is gone is not also silent", () => {
  const kernel = new KernelLiveness(() => true, vi.fn());
  kernel.onLoss("restarted");
  vi.advanceTimersByTime(60_000);
  expect(kernel.state.value).toBe("gone");
  expect(kernel.loss.value).toBe("restarted");
});
