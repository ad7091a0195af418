import { CHECK_HELPERS } from './check-helpers.js';
import { E } from '../../reference/uapi/errno.js';
import { LOG_HELPERS } from './log-helpers.js';
import { MEMORY_HELPERS } from './memory-helpers.js';
import { PROCESS_HELPERS } from './process-helpers.js';

/* What the statements call: functions and macros of C. A file has those that it needs, in this order. */

const EACH_LINE = 6;

/** The names of errors, several to a line. */
const errorNames = Object.keys(E)
  .map((name, i) => `NAME(${name})${(i + 1) % EACH_LINE === 0 ? '\n\t' : ' '}`)
  .join('')
  .trimEnd();

const BASIC_HELPERS: readonly string[] = [
  `/* Outcomes begin empty. */
static struct outcome *begin(struct outcome *outcome)
{
	memset(outcome, 0, sizeof(*outcome));
	return outcome;
}`,
  `/* What a system call returned, or minus the error number. */
static int64_t answer(long result)
{
	return result == -1 ? -errno : result;
}`,
  `#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define LOW_BYTES(size) (8 - (size))
#else
#define LOW_BYTES(size) 0
#endif`,
  `/* Puts a number of so many bytes into a structure, in the order of this machine. */
static void put(struct outcome *outcome, size_t offset, size_t size, uint64_t value)
{
	memcpy(outcome->data + offset, (unsigned char *)&value + LOW_BYTES(size), size);
}`,
  `/* The same in an order of its own. */
static void put_big(struct outcome *outcome, size_t offset, size_t size, uint64_t value)
{
	for (size_t i = 0; i < size; i++)
		outcome->data[offset + size - 1 - i] = (unsigned char)(value >> (8 * i));
}`,
  `/* The registers of an edu device begin with 0x010000ed, which an emulator may show turned round. */
static bool registers_big;

static void find_register_order(int64_t address)
{
	if (address > 0) {
		uint32_t word = *(volatile uint32_t *)address;

		registers_big = memcmp(&word, "\\x01\\x00\\x00\\xed", sizeof(word)) == 0;
	}
}`,
  `/* The same in the order of a device's registers. */
static void put_register(struct outcome *outcome, size_t offset, size_t size, uint64_t value)
{
	for (size_t i = 0; i < size; i++)
		outcome->data[offset + (registers_big ? size - 1 - i : i)] = (unsigned char)(value >> (8 * i));
}`,
  `/* A number out of a structure as the kernel left it. */
static uint64_t field(const struct outcome *outcome, size_t offset, size_t size)
{
	uint64_t value = 0;

	memcpy((unsigned char *)&value + LOW_BYTES(size), outcome->data + offset, size);
	return value;
}`,
  `/* The structure for a call, which is remembered as it was given. */
static unsigned char *given(struct outcome *outcome)
{
	memcpy(outcome->given, outcome->data, sizeof(outcome->given));
	return outcome->data;
}`,
  `static const char *error_name(int64_t result)
{
#define NAME(error) case error: return "-" #error;
	switch (-result) {
	${errorNames}
	}
	return NULL;
}`,
  `/* A result for a reader: -EINVAL, 3, 0x7f0000000000. */
static const char *shown(int64_t result)
{
	static char text[32];
	const char *name = error_name(result);

	if (name != NULL)
		return name;
	if (result > -4096 && result < 4096)
		snprintf(text, sizeof(text), "%" PRId64, result);
	else
		snprintf(text, sizeof(text), "0x%" PRIx64, (uint64_t)result);
	return text;
}`,
];

const HELPERS: readonly string[] = [...BASIC_HELPERS, ...MEMORY_HELPERS, ...LOG_HELPERS, ...CHECK_HELPERS, ...PROCESS_HELPERS];

/** What a helper is called: the function or the macro that it defines. */
const nameOf = (helper: string): string => /^(?:static [\w ]*[ *]|#define )(\w+)\(/m.exec(helper)?.[1] ?? '';

const calls = (code: string, name: string): boolean => new RegExp(`\\b${name}\\(`).test(code);

/** The helpers that the code calls, and those that they call. */
export function helpersFor(code: string): string[] {
  const needed = new Set<string>();
  const add = (from: string): void => {
    for (const helper of HELPERS) {
      if (needed.has(helper) || helper === from || !calls(from, nameOf(helper))) continue;
      needed.add(helper);
      add(helper);
    }
  };
  add(code);
  return HELPERS.filter((helper) => needed.has(helper));
}
