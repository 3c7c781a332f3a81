export declare const sameKeyPressMillis: number;
export declare function signalGate(): (signal: string, now: number) => boolean;
