export const MUTANTS: readonly {
  readonly title: string;
  readonly file: string;
  readonly find: string;
  readonly replace: string;
  readonly tests: readonly string[];
}[];
