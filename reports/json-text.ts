/**
 * The text of a plain JSON value. 64-bit values must have become strings before: even where somebody taught BigInt a
 * `toJSON` (the Allure environment does), one that is left over is an error here.
 */
export function jsonText(value: unknown, indent?: number): string {
  const refuseBigint = function (this: unknown, key: string, shown: unknown): unknown {
    if (typeof (this as Record<string, unknown>)[key] === 'bigint') {
      throw new TypeError(`jsonText: '${key}' is a bigint; expected its text, as reference/doors/json.ts writes it.`);
    }
    return shown;
  };
  return JSON.stringify(value, refuseBigint, indent);
}
