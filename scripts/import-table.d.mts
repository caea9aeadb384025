export declare const PURE: readonly string[];
export declare const PURE_PACKAGES: Readonly<Record<string, readonly string[]>>;
export declare const IMPORT_TABLE: Readonly<Record<string, readonly string[]>>;
export declare const PACKAGE_OWNERS: readonly {
  readonly packages: readonly string[];
  readonly owners: readonly string[];
  readonly why: string;
}[];
export declare const TOP_LEVEL: readonly string[];
export declare function rowOf(path: string): string | null;
export declare function forbiddenTo(
  row: string,
): readonly { readonly name: string; readonly except: readonly string[] }[];
export declare function markdownRows(): readonly string[];
