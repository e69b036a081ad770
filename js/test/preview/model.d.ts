/** Types of model.js. */

export class LocalModel {
  constructor(
    traits: Record<string, unknown>,
    onSend?: (message: unknown, model: LocalModel) => void,
  );
  traits: Record<string, unknown>;
  sent: unknown[];
  widget_manager: unknown;
  onSend: (message: unknown, model: LocalModel) => void;
  get(name: string): unknown;
  on(event: string, handler: (...args: unknown[]) => void): void;
  off(event: string, handler: (...args: unknown[]) => void): void;
  send(message: unknown): void;
  receive(message: unknown): void;
  trigger(event: string, ...values: unknown[]): void;
  set(name: string, value: unknown): void;
  readonly handlerCount: number;
}
