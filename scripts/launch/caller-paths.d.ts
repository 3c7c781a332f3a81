export declare function withConfigOf(folder: string, args: readonly string[]): string[];
