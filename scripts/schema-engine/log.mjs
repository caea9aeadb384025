/** One line of the engine's log, as the Prisma CLI reads it from stderr. */
export function logLine(level, fields) {
  const line = { timestamp: new Date().toISOString(), level, fields, target: 'schema_engine::logger' };
  process.stderr.write(`${JSON.stringify(line)}\n`);
}

/** The WebAssembly engine leaves the words of a panic here before it traps. */
const panic = {
  message: undefined,
  set_message(message) {
    this.message = message;
  },
  get() {
    return this.message;
  },
};
globalThis.PRISMA_WASM_PANIC_REGISTRY ??= panic;

export function panicMessage() {
  return globalThis.PRISMA_WASM_PANIC_REGISTRY.get();
}
