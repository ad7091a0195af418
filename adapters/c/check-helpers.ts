/** What compares, and keeps the first thing that is wrong with an operation. */
export const CHECK_HELPERS: readonly string[] = [
  `/* Something is wrong with the operation: the first thing is told. */
static void complain(const char *clause, const char *format, ...)
{
	size_t used;
	va_list values;

	if (tap->bad)
		return;
	tap->bad = true;
	va_start(values, format);
	vsnprintf(tap->why, sizeof(tap->why), format, values);
	va_end(values);
	used = strlen(tap->why);
	snprintf(tap->why + used, sizeof(tap->why) - used, " (clause %s)", clause);
}`,
  `/* Nothing can be said of the operation. */
static void skip(const char *format, ...)
{
	va_list values;

	tap->skipped = true;
	va_start(values, format);
	vsnprintf(tap->why, sizeof(tap->why), format, values);
	va_end(values);
}`,
  `/* The kernel log tells of no trouble. */
static void expect_quiet(const struct outcome *it, const char *clause)
{
	if (kernel_log < 0)
		skip("/dev/kmsg cannot be read");
	else if (it->result > 0)
		complain(clause, "expected no warning, bug or oops in the kernel log, got %s", shown(it->result));
}`,
  `/* The result is one of these: true where it is the first, which is the reference's own. */
static bool expect_among(const struct outcome *it, const char *clause, const char *names, const int64_t *values, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (it->result != values[i])
			continue;
		tap->otherwise |= i > 0;
		return i == 0;
	}
	complain(clause, "expected %s%s, got %s", count > 1 ? "one of " : "", names, shown(it->result));
	return false;
}`,
  `#define EXPECT(clause, ...) \\
	expect_among(it, clause, #__VA_ARGS__, (const int64_t[]){ __VA_ARGS__ }, sizeof((const int64_t[]){ __VA_ARGS__ }) / sizeof(int64_t))`,
  `/* The result is a descriptor, an address or a count. */
static bool expect_from_0(const struct outcome *it, const char *clause)
{
	if (it->result < 0)
		complain(clause, "expected at least 0, got %s", shown(it->result));
	return it->result >= 0;
}`,
  `#define EXPECT_FROM_0_OR(clause, ...) (it->result < 0 ? EXPECT(clause, 0, __VA_ARGS__) : true)`,
  `/* It was refused, although a system may answer with a count. */
#define EXPECT_COUNT_OR(clause, ...) (it->result > 0 ? true : EXPECT(clause, __VA_ARGS__))`,
  `static bool expect_error(const struct outcome *it, const char *clause)
{
	if (it->result >= 0)
		complain(clause, "expected an error, got %s", shown(it->result));
	return it->result < 0;
}`,
  `/* Where it failed nothing can be said of the system, nor of what rests on it. */
static bool expect_done(const struct outcome *it)
{
	if (it->result >= 0)
		return true;
	tap->otherwise = true;
	skip("it came to %s", shown(it->result));
	return false;
}`,
  `static void expect_figure(const char *clause, const char *name, uint64_t expected, uint64_t seen)
{
	if (seen != expected)
		complain(clause, "expected %s: %" PRIu64 ", got %" PRIu64, name, expected, seen);
}`,
  `static void expect_field(const struct outcome *it, const char *clause, const char *name, size_t offset, size_t size, uint64_t expected)
{
	uint64_t seen = field(it, offset, size);

	if (seen != expected)
		complain(clause, "expected %s = 0x%" PRIx64 ", got 0x%" PRIx64, name, expected, seen);
}`,
  `/* The call leaves these fields as they were. */
static void expect_given(const struct outcome *it, const char *clause, const char *names, size_t offset, size_t length)
{
	for (size_t i = offset; i < offset + length; i++) {
		if (it->data[i] == it->given[i])
			continue;
		complain(clause, "expected %s as given, got 0x%02x instead of 0x%02x at byte %zu", names, it->data[i], it->given[i], i);
		return;
	}
}`,
  `/* Each byte is that of one of the variants. */
static void expect_bytes(const struct outcome *it, const char *clause, size_t offset, size_t length, const char *const *variants, size_t count)
{
	for (size_t i = 0; i < length; i++) {
		bool found = false;

		for (size_t v = 0; v < count; v++)
			found |= it->data[offset + i] == (unsigned char)variants[v][i];
		if (found)
			continue;
		complain(clause, "expected 0x%02x%s at byte %zu, got 0x%02x", (unsigned char)variants[0][i], count > 1 ? " or another permitted value" : "",
			 offset + i, it->data[offset + i]);
		return;
	}
}`,
  `#define EXPECT_BYTES(clause, offset, length, ...) \\
	expect_bytes(it, clause, offset, length, (const char *const[]){ __VA_ARGS__ }, sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *))`,
  `/* Each byte is one of these. */
static void expect_filled(const struct outcome *it, const char *clause, size_t offset, size_t length, const unsigned char *bytes, size_t count)
{
	for (size_t i = offset; i < offset + length; i++) {
		if (memchr(bytes, it->data[i], count) != NULL)
			continue;
		complain(clause, "expected 0x%02x%s at byte %zu, got 0x%02x", bytes[0], count > 1 ? " or another permitted value" : "", i, it->data[i]);
		return;
	}
}`,
  `#define EXPECT_FILLED(clause, offset, length, ...) \\
	expect_filled(it, clause, offset, length, (const unsigned char[]){ __VA_ARGS__ }, sizeof((const unsigned char[]){ __VA_ARGS__ }))`,
];
