/**
 * Name of a prepared statement: the comment its SQL starts with; '' (not kept) for all other SQL, such as the client's own. Only
 * what is asked again and again in the same words has a name: each connection keeps a plan of each.
 */
export function statementName(sql: string): string {
  return /^\/\* (\w+) \*\//.exec(sql)?.[1] ?? '';
}
