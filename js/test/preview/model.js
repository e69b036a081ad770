/** A widget model with nothing behind it: events, traits, and the messages that the view has sent. */
export class LocalModel {
  #handlers = new Map();
  sent = [];
  widget_manager = undefined;

  constructor(traits, onSend = () => {}) {
    this.traits = traits;
    this.onSend = onSend;
  }

  get(name) {
    return this.traits[name];
  }

  on(event, handler) {
    this.#handlers.set(event, [...(this.#handlers.get(event) ?? []), handler]);
  }

  off(event, handler) {
    const kept = (this.#handlers.get(event) ?? []).filter((other) => other !== handler);
    this.#handlers.set(event, kept);
  }

  get handlerCount() {
    return [...this.#handlers.values()].flat().length;
  }

  send(message) {
    this.sent.push(message);
    this.onSend(message, this);
  }

  /** Plays the kernel: delivers a message to the view. */
  receive(message) {
    this.trigger("msg:custom", message, []);
  }

  trigger(event, ...values) {
    for (const handler of this.#handlers.get(event) ?? []) handler(...values);
  }

  set(name, value) {
    this.traits[name] = value;
    this.trigger(`change:${name}`);
  }
}
