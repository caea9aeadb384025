/** Which access a request was given at the door; kept beside the request, so that no header or body can pretend to one. */
import { Access } from './access.js';

const given = new WeakMap<object, Access>();

export function giveAccess(request: object, access: Access): void {
  given.set(request, access);
}

/** A request that came past the door is a stranger's. */
export function accessOf(request: object): Access {
  return given.get(request) ?? Access.stranger('');
}
